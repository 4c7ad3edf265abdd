import assert from "node:assert/strict";
import { type Bus, type BusRecord, HEADER, type RecordToSend, topic } from "../bus/mod.ts";
import { type Logger, noopLogger } from "../core/mod.ts";
import { decode, encode } from "../contracts/mod.ts";
import { CqiError } from "../errors/mod.ts";
import {
  type PriceUpdated,
  PriceUpdatedSchema,
  RiskAlertSchema,
} from "../gen/ts/cqc/events/v1/mod.ts";
import type { BusBackend } from "./bus_contract.ts";
import {
  type Collector,
  collector,
  freshGroup,
  freshId,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "./_bus_kit.ts";
import type { SuiteTest } from "./_suite.ts";
import { aPriceUpdated } from "./builders.ts";

const QUICK = { retry: { maxAttempts: 3, initialDelay: { nanos: 1_000_000 } } };

// Nothing is tried twice by one owner: closing ends its wait.
const SLOW = {
  initialDelay: { seconds: 60n },
  maxDelay: { seconds: 60n },
  jitter: "none",
};

/** The first dead letter of a topic. */
async function deadLetterOf(bus: Bus, topicName: string): Promise<BusRecord> {
  for await (const record of bus.records(`${topicName}.dlq`)) return record;
  throw new Error("The stream ended without a dead letter");
}

function header(record: BusRecord, name: string): string {
  const value = record.headers.get(name);
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

/** A bus whose records have other bytes than their events: what a broken producer sends. */
function tampering(
  backend: BusBackend,
  change: (record: RecordToSend) => RecordToSend,
): Promise<Bus> {
  return backend.open({}, {
    publishMiddleware: [(record, wait, next) => next(change(record), wait)],
  });
}

/** A logger that collects what it warns of. */
function warnings(): { readonly logger: Logger; readonly got: Collector<string> } {
  const got = collector<string>();
  const logger: Logger = {
    ...noopLogger,
    warn: (message) => got.add(typeof message === "function" ? message() : message),
    child: () => logger,
  };
  return { logger, got };
}

/** What fails is tried again, then set aside with its reason, and nothing else stops. */
export function failureTests(backend: BusBackend): SuiteTest[] {
  return [
    {
      name: "a handler that throws is called again with the next attempt number",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const got = collector<number>();
        await bus.subscribe(prices, (_event, { attempt }) => {
          got.add(attempt);
          if (attempt < 3) throw new Error("passing trouble");
        });
        await bus.publish(prices, aPriceUpdated());
        assert.deepEqual(await got.until((seen) => seen.length >= 3), [1, 2, 3]);
      },
    },
    {
      name: "a handler that always fails is tried the stated times, dead-lettered, and passed",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<string>();
        await bus.subscribe(prices, (event, { attempt }) => {
          got.add(`${numberOf(event)}/${attempt}`);
          if (numberOf(event) === 0) throw new Error("no luck");
        }, { group });
        await publishNumbers(bus, prices, 0, 2);
        await got.until((seen) => seen.includes("1/1"));
        assert.deepEqual(got.seen, ["0/1", "0/2", "0/3", "1/1"]);
        const letter = await deadLetterOf(bus, prices.name);
        assert.equal(header(letter, HEADER.dlqReason), "exhausted");
        assert.equal(header(letter, HEADER.dlqAttempts), "3");
        assert.equal(header(letter, HEADER.dlqTopic), prices.name);
        assert.equal(header(letter, HEADER.dlqOffset), "0");
        assert.equal(header(letter, HEADER.dlqError), "Error");
        assert.equal(header(letter, HEADER.dlqMessage), "no luck");
        assert.equal(header(letter, HEADER.dlqGroup), group);
        assert.equal(letter.key, "k");
      },
    },
    {
      name: "row 15 attempts count on over restarts, and the stated number holds over all of them",
      needs: "attemptsPersist",
      async run() {
        const retry = { ...SLOW, maxAttempts: 3 };
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<string>();
        for (let life = 1; life <= 3; life++) {
          const { logger, got: warned } = warnings();
          await using bus = await backend.open({ retry }, { logger });
          if (life === 1) await publishNumbers(bus, prices, 0, 4, (n) => n % 2 === 0 ? "a" : "b");
          await bus.subscribe(prices, (event, { attempt }) => {
            got.add(`${numberOf(event)}/${attempt}`);
            if (numberOf(event) === 2) throw new Error("no luck");
          }, { group });
          if (life < 3) {
            await warned.until((seen) => seen.some((each) => each.startsWith("Handler failed")));
            continue;
          }
          const letter = await deadLetterOf(bus, prices.name);
          assert.equal(header(letter, HEADER.dlqReason), "exhausted");
          assert.equal(header(letter, HEADER.dlqAttempts), "3");
        }
        const tries = got.seen.filter((each) => each.startsWith("2/"));
        assert.deepEqual(tries, ["2/1", "2/2", "2/3"]);
      },
    },
    {
      name: "row 15 attempts count on where a partition moves to another member",
      needs: "attemptsPersist",
      async run() {
        const retry = { ...SLOW, maxAttempts: 9 };
        const prices = freshTopic();
        const group = freshGroup();
        const keys = range(12);
        const failed = collector<string>();
        const { logger, got: warned } = warnings();
        const first = await backend.open({ retry }, { logger });
        await using second = await backend.open({ retry });
        await publishNumbers(first, prices, 0, keys.length, (n) => `k${n}`);
        const fail = (event: PriceUpdated, { attempt }: { readonly attempt: number }): void => {
          failed.add(`${numberOf(event)}/${attempt}`);
          throw new Error("no luck");
        };
        await first.subscribe(prices, fail, { group });
        await warned.until((seen) =>
          seen.filter((each) => each.startsWith("Handler failed")).length === keys.length
        );
        await second.subscribe(prices, fail, { group });
        await first.close();
        const wanted = keys.map((n) => `${n}/2`);
        await failed.until((seen) => wanted.every((each) => seen.includes(each)));
      },
    },
    {
      name: "an error that says it is not retryable is dead-lettered at the first attempt",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const got = collector<number>();
        await bus.subscribe(prices, (_event, { attempt }) => {
          got.add(attempt);
          throw new CqiError("CQI_BUS_PERMANENT", "Cannot book a price of a closed market");
        });
        await bus.publish(prices, aPriceUpdated());
        const letter = await deadLetterOf(bus, prices.name);
        assert.equal(header(letter, HEADER.dlqReason), "permanent");
        assert.equal(header(letter, HEADER.dlqError), "CQI_BUS_PERMANENT");
        assert.deepEqual(got.seen, [1]);
      },
    },
    {
      name: "a skipped event is acknowledged and not dead-lettered",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<number>();
        const one = await bus.subscribe(prices, (event, { skip }) => {
          got.add(numberOf(event));
          return skip("noise");
        }, { group });
        await publishNumbers(bus, prices, 0, 3);
        await got.until((seen) => seen.length >= 3);
        await one.close();
        const again = collector<number>();
        await bus.subscribe(prices, (event) => {
          again.add(numberOf(event));
          throw new CqiError("CQI_BUS_PERMANENT", "Cannot book a price of a closed market");
        }, { group });
        await publishNumbers(bus, prices, 3, 4);
        const letter = await deadLetterOf(bus, prices.name);
        assert.deepEqual(again.seen, [3]);
        assert.equal(numberOf(decode(PriceUpdatedSchema, letter.value!)), 3);
      },
    },
    {
      name: "B2 bytes that do not decode go to the dead letters untouched and stop nothing",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const group = freshGroup();
        const got = collector<number>();
        const bytes = new Uint8Array([10, 255, 255, 255, 255, 1, 0]);
        await using broken = await tampering(backend, (record) => ({ ...record, value: bytes }));
        await broken.publish(prices, aPriceUpdated(), { key: "k" });
        await bus.subscribe(prices, (event) => got.add(numberOf(event)), { group });
        await publishNumbers(bus, prices, 0, 100);
        assert.deepEqual(await got.until((seen) => seen.length >= 100), range(100));
        const letter = await deadLetterOf(bus, prices.name);
        assert.equal(header(letter, HEADER.dlqReason), "undecodable");
        assert.equal(header(letter, HEADER.dlqError), "CQI_CONTRACT_DECODE");
        assert.deepEqual(letter.value && [...letter.value], [...bytes]);
        assert.equal(letter.key, "k");
      },
    },
    {
      name: "an event that breaks its rules is refused on the way in with field and rule",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const good = encode(PriceUpdatedSchema, aPriceUpdated());
        // The good event without event_id, timestamp and actor_id: decodable, and not valid.
        await using broken = await tampering(backend, (record) => ({ ...record, value: good }));
        await broken.publish(prices, aPriceUpdated());
        await bus.subscribe(prices, () => assert.fail("an invalid event was handled"));
        const letter = await deadLetterOf(bus, prices.name);
        assert.equal(header(letter, HEADER.dlqReason), "invalid");
        assert.match(header(letter, HEADER.dlqMessage), /event_id/);
      },
    },
    {
      name: "B4 an event of a type that nobody handles is passed over, or dead-lettered by choice",
      async run() {
        await using lenient = await backend.open(QUICK);
        await using strict = await backend.open({ ...QUICK, unknownType: "dead_letter" });
        const prices = freshTopic();
        const foreign = topic(RiskAlertSchema, { name: prices.name, key: () => "k" });
        await lenient.publish(foreign, {
          alertId: freshId(),
          alertType: 1,
          severity: 1,
          message: "large",
          detectedAt: { seconds: 1n },
        });
        await publishNumbers(lenient, prices, 0, 1);
        const got = collector<number>();
        await lenient.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup() });
        assert.deepEqual(await got.until((seen) => seen.length >= 1), [0]);
        await strict.subscribe(prices, () => {}, { group: freshGroup() });
        const letter = await deadLetterOf(strict, prices.name);
        assert.equal(header(letter, HEADER.dlqReason), "unknown_type");
        assert.match(header(letter, HEADER.dlqMessage), /RiskAlert/);
      },
    },
    {
      name: "a handler that outlives its time is aborted and tried again",
      async run() {
        await using bus = await backend.open(QUICK);
        const prices = freshTopic();
        const got = collector<string>();
        await bus.subscribe(prices, async (_event, { signal, attempt }) => {
          if (attempt > 1) return got.add("handled");
          await new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              got.add("aborted");
              reject(signal.reason);
            });
          });
        }, { timeout: "20ms" });
        await bus.publish(prices, aPriceUpdated());
        assert.deepEqual(await got.until((seen) => seen.length >= 2), ["aborted", "handled"]);
      },
    },
  ];
}
