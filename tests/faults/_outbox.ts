// What the fault tests of the outbox share.

import * as kafka from "../../bus/drivers/kafka.ts";
import * as bus from "../../bus/mod.ts";
import type { Database } from "../../database/mod.ts";
import { RiskAlertSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { open, type Outbox, type OutboxSettings } from "../../outbox/mod.ts";
import type { RealKafka } from "../../testing/real_kafka.ts";
import type { RealPostgres } from "../../testing/real_postgres.ts";
import { until } from "../_until.ts";
import { openPostgres } from "./_postgres.ts";

/** What a child is told of the servers, as JSON. */
export interface Place {
  readonly database: RealPostgres["section"];
  readonly brokers: readonly string[];
  readonly topic: string;
}

/** Partitions of the topic. */
export const PARTITIONS = 3;
/** Longest time that events of a dead relay wait. */
export const LEASE_MS = 2000;

/** A topic of its own on the servers. */
export function placeOf(postgres: RealPostgres, broker: RealKafka): Place {
  return {
    database: postgres.section,
    brokers: broker.brokers,
    topic: `faults.outbox.${crypto.randomUUID()}`,
  };
}

/** The topic of a place, with its events keyed by alert. */
export function topicOf({ topic }: Place): bus.Topic<typeof RiskAlertSchema> {
  return bus.topic(RiskAlertSchema, { name: topic });
}

/** Key number so and so. */
export function keyOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** Fields of an event of a key. */
export function alert(key: number, message: string) {
  return {
    alertId: keyOf(key),
    alertType: 1,
    severity: 1,
    message,
    portfolioId: keyOf(0),
    detectedAt: { seconds: 1_767_225_600n },
  } as const;
}

/** Opens a bus on the broker of a place. */
export function openBus(place: Place, options: bus.OpenOptions = {}): Promise<bus.Bus> {
  return bus.open({
    driver: "kafka",
    kafka: {
      brokers: [...place.brokers],
      sessionTimeout: { seconds: 6n },
      heartbeatInterval: { nanos: 200_000_000 },
    },
    topics: [{ name: place.topic, partitions: PARTITIONS, replicationFactor: 1 }],
    ensureTopics: true,
    publishTimeout: { seconds: 10n },
  }, { ...options, drivers: { kafka: () => kafka } });
}

/** A database, a bus and an outbox over them, closed in the right order. */
export interface Parts extends AsyncDisposable {
  readonly db: Database;
  readonly bus: bus.Bus;
  readonly box: Outbox;
}

/** Opens all three. */
export async function openParts(
  place: Place,
  settings: OutboxSettings = {},
  options: bus.OpenOptions = {},
): Promise<Parts> {
  const db = await openPostgres(place.database);
  const events = await openBus(place, options);
  const box = await open({ lease: LEASE_MS, ...settings }, {
    bus: events,
    database: db,
    ...options,
  });
  return {
    db,
    bus: events,
    box,
    async [Symbol.asyncDispose]() {
      await box.close();
      await events.close();
      await db.close();
    },
  };
}

/** A record of the topic, as it was read. */
export interface Seen {
  readonly id: string;
  readonly key: string;
  readonly message: string;
  readonly atMs: number;
}

/** Reads a topic from its beginning, until it is told to end. */
export interface Reading {
  readonly seen: readonly Seen[];
  /** Writes a mark into each partition and waits until all are read: what was sent before, was seen. */
  end(): Promise<void>;
}

/** Starts to read. */
export function read(events: bus.Bus, place: Place, now: () => number): Reading {
  const topic = topicOf(place);
  const seen: Seen[] = [];
  const marked = new Set<number>();
  const reader = events.subscribe(topic, { startAt: "earliest" });
  const done = (async () => {
    for await (const { event, eventId, partition } of reader) {
      if (event.message === "mark") marked.add(partition);
      else seen.push({ id: eventId, key: event.alertId, message: event.message, atMs: now() });
    }
  })();
  // A test that fails earlier says more.
  done.catch(() => {});
  return {
    seen,
    async end() {
      for (let key = 1000; marked.size < PARTITIONS; key++) {
        await events.publish(topic, alert(key, "mark"));
        if (key % 30 === 0) await until(() => marked.size === PARTITIONS, "the marks");
      }
      await reader.close();
      await done;
    },
  };
}

/** The first time that each id was seen. */
export function firstOf(seen: readonly Seen[]): Seen[] {
  const ids = new Set<string>();
  return seen.filter(({ id }) => !ids.has(id) && ids.add(id));
}

/** Pairs of one key that were seen in the wrong order; messages end in the key's own count. */
export function disorder(first: readonly Seen[]): string[] {
  const last = new Map<string, number>();
  return first.flatMap(({ key, message }) => {
    const number = Number(message.split(":").at(-1));
    const before = last.get(key) ?? 0;
    last.set(key, number);
    return number > before ? [] : [`${key}: ${number} after ${before}`];
  });
}
