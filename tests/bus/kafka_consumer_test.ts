// A consumer of the Kafka driver whose topics change, go away, and whose joins take long.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startKafkaConsumer } from "../../bus/drivers/_kafka_consumer.ts";
import type { DriverConsumer, RecordSink, TopicPartition } from "../../bus/driver.ts";
import type { StartAt } from "../../bus/types.ts";
import { type Clock, instruments, sleep } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import {
  type Asked,
  fakeCluster,
  fetched,
  partOf,
  type Script,
  SETTINGS,
} from "./_kafka_cluster.ts";

interface Running {
  readonly clock: FakeClock;
  readonly consumer: DriverConsumer;
  readonly asked: readonly Asked[];
  readonly logger: ReturnType<typeof testLogger>;
  /** Names of what was given up, one list each time. */
  readonly revoked: readonly string[][];
  /** Topics that are not there, or may not be read. */
  readonly gone: Map<string, CqiError>;
  close(): Promise<void>;
}

interface RunOptions {
  readonly topics?: readonly string[];
  readonly group?: string | undefined;
  readonly script?: Script;
  readonly records?: RecordSink["records"];
  readonly onClock?: (clock: FakeClock) => void;
}

const ILLEGAL_GENERATION = 22;
const REBALANCE_IN_PROGRESS = 27;
const notFound = new CqiError("CQI_NOT_FOUND", "Kafka has no such topic");
const wantedOf = (topics: readonly string[]) =>
  new Map<string, StartAt>(topics.map((name) => [name, "earliest"]));
const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

async function run(options: RunOptions = {}): Promise<Running> {
  const { topics: names = ["a"], script, records = () => Promise.resolve() } = options;
  const clock = fakeClock();
  options.onClock?.(clock);
  const { client, asked } = fakeCluster(clock, { a: 1, b: 1, c: 1 }, script);
  const logger = testLogger();
  const env = instruments({ clock, logger });
  const gone = new Map<string, CqiError>();
  const find = async (name: string) => {
    const error = gone.get(name);
    if (error !== undefined) throw error;
    return (await client.topics([name])).get(name) as never;
  };
  const revoked: string[][] = [];
  const sink: RecordSink = {
    records,
    state: () => {},
    revoked(lost) {
      revoked.push(lost.map(nameOf));
      return Promise.resolve();
    },
  };
  const consumer = await startKafkaConsumer(
    {
      client,
      topics: { find, ensure: () => Promise.resolve() },
      settings: SETTINGS,
      env,
    },
    { group: "group" in options ? options.group : "g", topics: wantedOf(names) },
    sink,
    new AbortController().signal,
  );
  return {
    clock,
    consumer,
    asked,
    logger,
    revoked,
    gone,
    async close() {
      const closed = consumer.close();
      await clock.advance(5000);
      await closed;
    },
  };
}

/** What is fetched at the end of a while. */
async function readBy({ clock, asked }: Running): Promise<string[]> {
  const before = asked.length;
  await clock.advance(2000);
  const names = asked.slice(before).filter(({ name }) => name === "Fetch").flatMap(({ args }) =>
    args[6].map(({ topicId }: { topicId: string }) => topicId.slice(3))
  );
  return [...new Set(names)].toSorted();
}

async function changed(running: Running, topics: readonly string[]): Promise<string> {
  const done = running.consumer.change!(wantedOf(topics)).then(
    () => "changed",
    (error) => CqiError.from(error).code,
  );
  await running.clock.advance(3000);
  return await done;
}

test("Kafka consumer takes on and lets go of topics while another of them is gone", async () => {
  const running = await run({ topics: ["a", "b", "c"] });
  running.gone.set("c", notFound);
  assert.equal(await changed(running, ["a", "c"]), "changed");
  assert.deepEqual(await readBy(running), ["a"]);
  assert.equal(await changed(running, ["a", "b", "c"]), "changed");
  assert.deepEqual(await readBy(running), ["a", "b"]);
  await running.close();
});

test("Kafka consumer refuses a topic that is asked for and not there, and reads the others on", async () => {
  const running = await run({ topics: ["a"] });
  running.gone.set("b", notFound);
  assert.equal(await changed(running, ["a", "b"]), "CQI_NOT_FOUND");
  assert.deepEqual(await readBy(running), ["a"]);
  await running.close();
});

test("Kafka consumer does not read on what was to be let go of in a change that is refused", async () => {
  const running = await run({ topics: ["a", "b", "c"] });
  running.gone.set("c", new CqiError("CQI_FORBIDDEN", "May not be read"));
  const done = changed(running, ["a", "c"]);
  assert.equal(await done, "CQI_FORBIDDEN");
  running.gone.clear();
  assert.deepEqual(await readBy(running), ["a", "c"]);
  await running.close();
});

for (const group of ["g", undefined]) {
  const whose = group === undefined ? "without a group" : "of a group";
  test(`Kafka consumer ${whose} reads again what was not taken, and nothing before it is done`, async () => {
    const taken: bigint[] = [];
    let refusals = 3;
    // The first records may come before it is there.
    let consumer: DriverConsumer | undefined = undefined;
    const running = await run({
      group,
      // 20 records; what is asked for behind them waits.
      script: (asked) =>
        asked.name === "Fetch" && asked.args[6][0].partitions[0].fetchOffset < 20n
          ? fetched(asked, (_, partition, offset) => partOf(partition, offset, 30))
          : undefined,
      async records([first]) {
        if (first!.offset === 7n && refusals-- > 0) throw new Error("No room");
        taken.push(first!.offset);
        await consumer?.commit([{ ...first!, offset: first!.offset + 1n }]).catch((error) =>
          assert.equal(group, undefined, error)
        );
      },
    });
    consumer = running.consumer;
    await running.clock.advance(5000);
    assert.deepEqual(taken, Array.from({ length: 20 }, (_, n) => BigInt(n)));
    assert.deepEqual(running.revoked, [["a:0"], ["a:0"], ["a:0"]]);
    running.logger.expect({ level: "warn", message: /not taken and are read again/ });
    await running.close();
  });
}

test("Kafka consumer takes a partition up once where a new generation and what was not taken both ask for it", async () => {
  let clock: Clock | undefined;
  let [isRefused, isRebalancing, askedWhere] = [false, false, 0];
  const taken: bigint[] = [];
  const running = await run({
    onClock: (made) => clock = made,
    async script(asked) {
      const { name } = asked;
      if (name === "Heartbeat" && isRebalancing) {
        isRebalancing = false;
        return { errorCode: REBALANCE_IN_PROGRESS };
      }
      if (name === "OffsetFetch" && isRefused) {
        askedWhere++;
        // Long enough for both to be under way.
        await sleep(clock!, 500);
      }
      if (name !== "Fetch" || asked.args[6][0].partitions[0].fetchOffset >= 5n) return undefined;
      // Just before a heartbeat.
      if (!isRefused) await sleep(clock!, 960);
      return fetched(asked, (_, partition, offset) => partOf(partition, offset, 30));
    },
    records([first]) {
      if (!isRefused) {
        [isRefused, isRebalancing] = [true, true];
        return Promise.reject(new Error("No room"));
      }
      taken.push(first!.offset);
      return Promise.resolve();
    },
  });
  await running.clock.advance(5000);
  assert.equal(askedWhere, 2);
  assert.deepEqual(taken, [0n, 1n, 2n, 3n, 4n]);
  await running.close();
});

const offsetsOf = (asked: readonly Asked[]): string[] =>
  asked.filter(({ name }) => name === "OffsetCommit").map(({ args }) =>
    `${args[4][0].partitions[0].committedOffset} in ${args[1]}`
  );
const refusedCommit = (errorCode: number) => ({
  topics: [{ name: "a", partitions: [{ partitionIndex: 0, errorCode }] }],
});

test("Kafka consumer sends a commit no more whose caller has given it up", async () => {
  const running = await run({
    script: ({ name }) =>
      name === "OffsetCommit" ? refusedCommit(REBALANCE_IN_PROGRESS) : undefined,
  });
  const { clock, consumer, asked } = running;
  const limit = new AbortController();
  const at = { topic: "a", partition: 0 };
  const left = consumer.commit([{ ...at, offset: 10n }], { signal: limit.signal });
  const said = left.then(() => "committed", (error) => String(error));
  await clock.advance(250);
  limit.abort("given up");
  const before = offsetsOf(asked).length;
  await clock.advance(5000);
  assert.equal(await said, "given up");
  assert.equal(offsetsOf(asked).length, before);
  await running.close();
});

test("Kafka consumer sends no commit in a later generation than the one it was made in", async () => {
  let isRebalancing = false;
  const running = await run({
    script({ name }) {
      if (name === "OffsetCommit" && isRebalancing) return refusedCommit(ILLEGAL_GENERATION);
      if (name !== "Heartbeat" || !isRebalancing) return undefined;
      isRebalancing = false;
      return { errorCode: REBALANCE_IN_PROGRESS };
    },
  });
  const { clock, consumer, asked } = running;
  await clock.advance(950);
  isRebalancing = true;
  const old = consumer.commit([{ topic: "a", partition: 0, offset: 10n }]);
  const said = old.then(() => "committed", () => "refused");
  await clock.advance(3000);
  assert.equal(await said, "refused");
  assert.deepEqual(offsetsOf(asked), ["10 in 1"]);
  await consumer.commit([{ topic: "a", partition: 0, offset: 20n }]);
  assert.deepEqual(offsetsOf(asked), ["10 in 1", "20 in 2"]);
  await running.close();
});
