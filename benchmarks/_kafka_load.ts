// The work that all Kafka contenders do: the same events, with the same bytes, keys and headers.

import { toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Buffer } from "node:buffer";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "../testing/builders.ts";

/** Markets, and so partition keys. */
const KEYS = 100;
/** Callers that publish at the same time, each waiting for its acknowledgement. */
const CALLERS = 256;

/** Partitions of each topic. */
export const PARTITIONS = 6;

/** Prices of some markets, each without what the bus fills in. */
export const EVENTS: readonly PriceUpdated[] = Array.from(
  { length: KEYS },
  (_, i) =>
    aPriceUpdated({
      marketId: `6f1c2d3e-4a5b-4c6d-8e7f-${String(i).padStart(12, "0")}`,
      venueId: "binance",
      price: "64250.10",
      bid: "64250.00",
      ask: "64250.20",
      sequence: BigInt(i),
    }),
);

/** An event as a record made by hand, which nobody checks. */
export interface ByHand {
  readonly key: string;
  readonly value: Uint8Array;
  /** The headers that the bus writes. */
  readonly headers: Record<string, string>;
}

/** Fills in, encodes and gives the headers, in the shortest way there is. */
export function byHand(number: number): ByHand {
  // In place: a publisher that makes a new message for each event pays more.
  const event = EVENTS[number % KEYS]!;
  const now = systemClock.now();
  event.eventId = uuid(systemClock, systemRandom);
  event.timestamp = timestampFromMs(Math.floor(now));
  event.actorId = "system";
  const key = event.price!.marketId;
  return {
    key,
    value: toBinary(PriceUpdatedSchema, event),
    headers: {
      "content-type": "application/protobuf",
      ce_specversion: "1.0",
      ce_id: event.eventId,
      ce_source: "/cq/bench",
      ce_type: PriceUpdatedSchema.typeName,
      ce_time: new Date(now).toISOString(),
      ce_dataschema: `type.googleapis.com/${PriceUpdatedSchema.typeName}`,
      ce_correlationid: event.eventId,
      ce_partitionkey: key,
    },
  };
}

/** The same in the form that @platformatic/kafka takes. */
export function inBuffers(topic: string, number: number) {
  const { key, value, headers } = byHand(number);
  const pairs = new Map<Buffer, Buffer>();
  for (const name in headers) pairs.set(Buffer.from(name), Buffer.from(headers[name]!));
  return { topic, key: Buffer.from(key), value: Buffer.from(value), headers: pairs };
}

/** Publishes so many events, by callers that each wait for theirs before they go on. */
export async function byCallers(
  times: number,
  publish: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < times) await publish(next++);
  };
  await Promise.all(Array.from({ length: Math.min(CALLERS, times) }, caller));
}

/** Times so many events from when their consumer has joined its group, which does not count. */
export interface Stopwatch {
  /** The consumer has its partitions. */
  readonly start: () => void;
  /** One more was handled. */
  readonly count: () => void;
  /** Resolves with the milliseconds. */
  readonly done: Promise<number>;
}

/** Makes a stopwatch. */
export function stopwatch(times: number): Stopwatch {
  const { promise, resolve } = Promise.withResolvers<number>();
  let counted = 0;
  let start = 0;
  return {
    start: () => void (start = systemClock.monotonic()),
    count() {
      if (++counted === times) resolve(systemClock.monotonic() - start);
    },
    done: promise,
  };
}
