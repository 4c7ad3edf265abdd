import { EventEmitter } from "node:events";
import { clone, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { open, topic } from "../bus/mod.ts";
import { validate } from "../contracts/mod.ts";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { aPriceUpdated } from "../testing/builders.ts";
import type { Benchmark, Contender } from "./_harness.ts";

/** Markets, and so partition keys: events of one key are handled one after the other. */
const KEYS = 100;
/** Publications under way at a time where they are not made one by one. */
const IN_FLIGHT = 100;

// What a bus does besides calling the handler, done by hand: the fields that every event starts
// with, and a copy so that the publisher's own object stays as it was.
function stamped(event: PriceUpdated): PriceUpdated {
  const sent = clone(PriceUpdatedSchema, event);
  sent.eventId = uuid(systemClock, systemRandom);
  sent.timestamp = timestampFromMs(systemClock.now());
  sent.actorId = "system";
  return sent;
}

function emitterOf(before: (event: PriceUpdated) => void): { emit(event: PriceUpdated): void } {
  const emitter = new EventEmitter();
  let handled = 0;
  emitter.on("prices", (bytes: Uint8Array) => {
    handled += fromBinary(PriceUpdatedSchema, bytes).price?.price === "" ? 0 : 1;
  });
  return {
    emit(event) {
      const sent = stamped(event);
      before(sent);
      const expected = handled + 1;
      emitter.emit("prices", toBinary(PriceUpdatedSchema, sent));
      if (handled !== expected) throw new Error("The event was not handled");
    },
  };
}

/** From publish to handled, through the memory bus and through a bare EventEmitter. */
export async function openBenchmark(): Promise<Benchmark> {
  const bus = await open({}, {
    drivers: { memory: () => import("../bus/drivers/memory.ts") },
  });
  let handled = 0;
  let wanted = 0;
  let reached = Promise.withResolvers<void>();
  await bus.subscribe(PriceUpdatedSchema, () => {
    if (++handled === wanted) reached.resolve();
  }, { group: "bench" });
  const arrived = async (times: number, publish: () => Promise<void>): Promise<void> => {
    reached = Promise.withResolvers<void>();
    wanted = handled + times;
    await publish();
    await reached.promise;
  };
  const events = Array.from({ length: KEYS }, (_, i) => {
    const marketId = `6f1c2d3e-4a5b-4c6d-8e7f-${String(i).padStart(12, "0")}`;
    return aPriceUpdated({ marketId });
  });
  const prices = topic(PriceUpdatedSchema);
  const [bare, valid] = [
    emitterOf(() => {}),
    emitterOf((sent) => validate(PriceUpdatedSchema, sent)),
  ];
  const emits = (name: string, emitter: typeof bare): Contender => ({
    name,
    run(times) {
      for (let i = 0; i < times; i++) emitter.emit(events[i % KEYS]!);
    },
  });
  return {
    comparisons: [{
      title: "bus: an event from publish to handled",
      contenders: [
        emits("EventEmitter + encode + decode", bare),
        emits("EventEmitter + encode + decode + validate", valid),
        {
          name: `memory bus, ${IN_FLIGHT} publications under way`,
          run: (times) =>
            arrived(times, async () => {
              for (let i = 0; i < times; i += IN_FLIGHT) {
                const batch = Math.min(IN_FLIGHT, times - i);
                const sent = Array.from({ length: batch }, (_, j) =>
                  bus.publish(prices, events[j % KEYS]!));
                await Promise.all(sent);
              }
            }),
        },
        {
          name: "memory bus, one by one until handled",
          async run(times) {
            for (let i = 0; i < times; i++) {
              await arrived(1, async () => void await bus.publish(prices, events[i % KEYS]!));
            }
          },
        },
      ],
    }],
    close: () => bus.close(),
  };
}
