// A member of a group in a process of its own: to be killed, or told to end (SIGTERM).
// Prints one line for each event that it begins (`got`) and has done (`did`), or that fails
// (`failed`).
// Argument: what it is, as JSON.

import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { writeSync } from "node:fs";
import process from "node:process";
import { type Delivery, topic } from "../../bus/mod.ts";
import { sleep, systemClock, systemRandom } from "../../core/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { ms, openKafka, type Place } from "./_kafka.ts";

/** What a member is. */
export interface MemberSettings {
  readonly place: Place;
  readonly topic: string;
  readonly group: string;
  /** What its events are: prices, counted by their sequence, or bytes, counted one by one. */
  readonly of?: "prices" | "bytes";
  /** Milliseconds that a handler takes: from, to. */
  readonly takesMs: readonly [number, number];
  /** Most events in hand. */
  readonly inFlight: number;
  readonly concurrency: number;
  /** Milliseconds that handlers have when it is told to end. */
  readonly drainMs: number;
  /** Fails at all events, and tries none of them twice. */
  readonly fails?: boolean;
  /** Prints its memory ten times a second. */
  readonly memory?: boolean;
}

// Written at once: the process may not live to flush.
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const settings: MemberSettings = JSON.parse(process.argv[2] ?? "");
const { place, group, takesMs: [fromMs, toMs] } = settings;
const bus = await openKafka(place, {
  consumerGroup: group,
  maxInFlight: settings.inFlight,
  concurrency: settings.concurrency,
  drainTimeout: ms(settings.drainMs),
  ensureTopics: false,
  ...settings.fails && {
    retry: { maxAttempts: 9, initialDelay: ms(60_000), maxDelay: ms(60_000), jitter: "none" },
  },
});

process.once("SIGTERM", async () => {
  const start = systemClock.monotonic();
  say("told to end");
  await bus.close();
  say(`closed after ${Math.round(systemClock.monotonic() - start)}`);
  // Nothing of ours may keep the process: it ends by itself.
  clearInterval(measuring);
});

const measuring = setInterval(() => {
  if (settings.memory) say(`rss ${Math.round(process.memoryUsage().rss / 2 ** 20)}`);
}, 100);

const handle = async (number: number, given: Delivery): Promise<void> => {
  say(`got ${number} ${given.partition} ${given.offset}`);
  if (settings.fails) {
    say(`failed ${number} ${given.attempt}`);
    throw new Error("no luck");
  }
  await sleep(systemClock, fromMs + systemRandom.next() * (toMs - fromMs));
  say(`did ${number}`);
};

const name = settings.topic;
if (settings.of === "bytes") {
  let count = 0;
  await bus.subscribe(topic(BytesValueSchema, { name }), (_, given) => handle(count++, given));
} else {
  await bus.subscribe(
    topic(PriceUpdatedSchema, { name }),
    (event, given) => handle(Number(event.price?.sequence), given),
  );
}
say("ready");
