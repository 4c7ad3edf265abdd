// What brokers answer to batches, and what becomes of them: nothing lost, nothing twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { kafkaSender } from "../../bus/drivers/_kafka_sender.ts";
import type { RecordToSend } from "../../bus/driver.ts";
import type { Published } from "../../bus/types.ts";
import { instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import {
  type Asked,
  type FakeCluster,
  fakeCluster,
  producedAs,
  producedOn,
  type Script,
  SETTINGS,
} from "./_kafka_cluster.ts";

// By partition: keys that murmur2 puts into 0 and 1 of two.
const KEYS = ["a", "b", "c", "d", "e", "f"];

interface Sending extends FakeCluster {
  readonly logger: ReturnType<typeof testLogger>;
  /** Sends numbered records, moving time on until they are settled. */
  send(from: number, count: number, limitMs?: number): Promise<readonly (Published | Error)[]>;
}

function sending(script: Script): Sending {
  const clock = fakeClock();
  const cluster = fakeCluster(clock, { prices: 2 }, script);
  const { client } = cluster;
  const logger = testLogger();
  const env = instruments({ clock, logger });
  const find = async (name: string) => (await client.topics([name])).get(name) as never;
  const sender = kafkaSender(client, { find }, SETTINGS, env);
  const record = (number: number): RecordToSend => ({
    topic: "prices",
    key: KEYS[number % KEYS.length]!,
    value: new TextEncoder().encode(`${number}`),
    headers: new Map(),
    timestampMs: 0,
  });
  return Object.assign(cluster, {
    logger,
    async send(from: number, count: number, limitMs = 30_000) {
      const records = Array.from({ length: count }, (_, index) => record(from + index));
      const limit = new AbortController();
      clock.timer(() => limit.abort(new Error("time is up")), limitMs);
      let isDone = false;
      const sent = sender.send(records, limit.signal).finally(() => isDone = true);
      while (!isDone) await clock.advance(50);
      return await sent;
    },
  });
}

const logged = ({ log }: FakeCluster): string[] => [...log.values()].flat().toSorted();
const numbers = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${from + index}`).toSorted();
const produces = (asked: readonly Asked[]): Asked[] =>
  asked.filter(({ name }) => name === "Produce");

/** Answers the first batches with a code each and writes none of them. */
function refusing(codes: readonly number[]): Script {
  const left = [...codes];
  return (asked) => {
    if (asked.name !== "Produce" || left.length === 0) return undefined;
    const code = left.shift()!;
    return producedAs(producedOn(asked).map((name) => [name, code] as const));
  };
}

for (
  const [code, name] of [
    [6, "NOT_LEADER_OR_FOLLOWER"],
    [5, "LEADER_NOT_AVAILABLE"],
    [13, "NETWORK_EXCEPTION"],
    [14, "COORDINATOR_LOAD_IN_PROGRESS"],
    [15, "COORDINATOR_NOT_AVAILABLE"],
    [19, "NOT_ENOUGH_REPLICAS"],
    [56, "KAFKA_STORAGE_ERROR"],
  ] as const
) {
  test(`K8: a publication that is answered ${name} three times is written once, with leaders looked up once for each answer`, async () => {
    const cluster = sending(refusing([code, code, code]));
    const outcomes = await cluster.send(0, 100);
    assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
    assert.deepEqual(logged(cluster), numbers(0, 100));
    assert.equal(produces(cluster.asked).length, 4);
    // Not for each event.
    assert.equal(cluster.refreshed, 3);
  });
}

test("K4: behind a publication that its leader never answered, leaders are looked up anew, once", async () => {
  let isHung = true;
  const cluster = sending(({ name }, signal) => {
    if (name !== "Produce" || !isHung) return undefined;
    return new Promise((_, reject) => {
      signal!.addEventListener("abort", () => reject(signal!.reason), { once: true });
    });
  });
  const outcomes = await cluster.send(0, 10, 5000);
  const said = outcomes.map((each) => each instanceof CqiError && each.details["outcome"]);
  assert.deepEqual(new Set(said), new Set(["unknown"]));
  assert.equal(cluster.refreshed, 0);
  isHung = false;
  assert.deepEqual((await cluster.send(10, 10)).filter((each) => each instanceof Error), []);
  assert.equal(cluster.refreshed, 1);
  await cluster.send(20, 10);
  assert.equal(cluster.refreshed, 1);
  assert.deepEqual(logged(cluster), numbers(10, 20));
});

test("K8: an answer that says to wait (throttle_time_ms) is an acknowledgement: sent once, no leader looked up", async () => {
  const cluster = sending((asked) =>
    asked.name === "Produce"
      ? {
        ...producedAs(producedOn(asked).map((name) => [name, 0] as const)) as object,
        throttleTimeMs: 30_000,
      }
      : undefined
  );
  const outcomes = await cluster.send(0, 100);
  assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
  assert.equal(produces(cluster.asked).length, 1);
  assert.equal(cluster.refreshed, 0);
});

for (
  const [code, name] of [
    [45, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [59, "UNKNOWN_PRODUCER_ID"],
    [47, "INVALID_PRODUCER_EPOCH"],
    [90, "PRODUCER_FENCED"],
    [49, "INVALID_PRODUCER_ID_MAPPING"],
  ] as const
) {
  test(`K10: a producer that is answered ${name} begins anew, and loses nothing and writes nothing twice`, async () => {
    const cluster = sending(refusing([code]));
    for (const from of [0, 50, 100]) {
      const outcomes = await cluster.send(from, 50);
      assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
    }
    assert.deepEqual(logged(cluster), numbers(0, 150));
    cluster.logger.expect({ level: "warn", message: /lost the place of a producer/ });
    const stamps = produces(cluster.asked).map(({ args: [, , , { producerId, producerEpoch }] }) =>
      `${producerId}/${producerEpoch}`
    );
    assert.notEqual(stamps[0], stamps[1]);
  });
}

test("K10: a broker that forgets its producers between batches costs nothing", async () => {
  const cluster = sending(() => undefined);
  await cluster.send(0, 50);
  cluster.forgetProducers();
  const outcomes = await cluster.send(50, 50);
  assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
  assert.deepEqual(logged(cluster), numbers(0, 100));
});

test("K10: a batch whose answer is lost and whose producer is then fenced is written again, and that is said", async () => {
  let step = 0;
  const cluster = sending((asked) => {
    if (asked.name !== "Produce") return undefined;
    step++;
    if (step === 1) throw new CqiError("CQI_BUS_UNAVAILABLE", "Answer lost");
    if (step === 2) return producedAs(producedOn(asked).map((name) => [name, 90] as const));
    return undefined;
  });
  const outcomes = await cluster.send(0, 10);
  assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
  const [warning] = cluster.logger.entries.filter(({ level }) => level === "warn");
  assert(Number(warning!.fields["events"]) > 0);
});

test("Kafka sender keeps batches of two producers apart, though their epochs are the same", async () => {
  let step = 0;
  const cluster = sending((asked) => {
    if (asked.name !== "Produce" || ++step > 1) return undefined;
    // One keeps its place; the other's producer is gone.
    return producedAs(
      producedOn(asked).map((name) => [name, name === "prices:0" ? 6 : 90] as const),
    );
  });
  const outcomes = await cluster.send(0, 60);
  assert.deepEqual(outcomes.filter((each) => each instanceof Error), []);
  assert.deepEqual(logged(cluster), numbers(0, 60));
  for (const asked of produces(cluster.asked).slice(1)) {
    assert.equal(producedOn(asked).length, 1);
  }
});

test("Kafka sender writes nothing of a key behind a record that is refused, and all of the others", async () => {
  // The second record of the first key; its partition has four keys of the six.
  const cluster = sending((asked) => {
    if (asked.name !== "Produce") return undefined;
    const sent = asked.args[2] as readonly { readonly value: unknown }[];
    if (!sent.some(({ value }) => `${value}` === "6")) return undefined;
    return producedAs(producedOn(asked).map((name) => [name, name === "prices:0" ? 10 : 0]));
  });
  const outcomes = await cluster.send(0, 30);
  const refused = outcomes[6];
  assert(refused instanceof CqiError && refused.code === "CQI_REQUEST_TOO_LARGE");
  const failed = [...outcomes.keys()].filter((number) => outcomes[number] instanceof CqiError);
  assert.deepEqual(failed, [6, 12, 18, 24]);
  for (const number of [12, 18, 24]) {
    const behind = outcomes[number] as CqiError;
    assert.equal(behind.retryable, true);
    assert.equal(behind.cause, refused);
  }
  const others = [...outcomes.keys()].filter((number) =>
    [0, 1, 2, 4].includes(number % 6) && !failed.includes(number)
  );
  assert.deepEqual(cluster.log.get("prices:0")!.map(Number).toSorted((a, b) => a - b), others);
});
