import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import * as kafka from "../../bus/drivers/kafka.ts";
import * as kafkajs from "../../bus/drivers/kafkajs.ts";
import * as bus from "../../bus/mod.ts";
import { topic } from "../../bus/mod.ts";
import { partitionOfKey } from "../../bus/murmur2.ts";
import { instruments } from "../../core/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { PriceUpdatedSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import {
  collector,
  freshGroup,
  freshTopic,
  numberOf,
  publishNumbers,
  range,
} from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { real } from "../_real.ts";
import { startProxy } from "../faults/_proxy.ts";

const server = await real(() => realKafka());
const drivers: bus.OpenOptions["drivers"] = { kafka: () => kafka, kafkajs: () => kafkajs };
type Name = "kafka" | "kafkajs";

if (server !== undefined) {
  const quick = {
    brokers: [...server.brokers],
    heartbeatInterval: { nanos: 50_000_000 },
    sessionTimeout: { seconds: 10n },
  };
  const open = (
    driver: Name,
    section: object = {},
    own: object = {},
    options: bus.OpenOptions = {},
  ): Promise<bus.Bus> =>
    bus.open({
      ensureTopics: true,
      ...section,
      driver,
      [driver]: { ...quick, ...own },
    }, { ...options, drivers });

  const driverOn = async (driver: Name, own: object = {}): Promise<bus.BusDriver> => {
    const module = driver === "kafka" ? kafka : kafkajs;
    const section = { driver, [driver]: { ...quick, ...own } };
    return await module.createDriver(create(EventBusConfigSchema, section), instruments());
  };

  const commitFarAhead = async (driver: Name, name: string, group: string): Promise<void> => {
    const own = await driverOn(driver);
    const consumer = await own.consume({ group, topics: new Map([[name, "latest"]]) }, {
      records: () => Promise.resolve(),
      revoked: () => Promise.resolve(),
      state: () => {},
    });
    await consumer.commit(
      range(3).map((partition) => ({ topic: name, partition, offset: 1000n })),
    );
    await consumer.close();
    await own.close();
  };

  test("K4: bus on kafka is well while one broker of several hangs", async () => {
    const port = Number(server.brokers[0]!.split(":").at(-1));
    await using proxy = await startProxy(port);
    const brokers = [`127.0.0.1:${proxy.port}`, ...server.brokers];
    await using opened = await open("kafka", {}, { brokers });
    const reports = [await opened.check()];
    assert.notEqual(proxy.open, 0);
    proxy.hold(true);
    reports.push(await opened.check(), await opened.check());
    assert.deepEqual(reports.map(({ status }) => status), ["ok", "ok", "ok"]);
  });

  for (const driver of ["kafka", "kafkajs"] as const) {
    test(`bus on ${driver} puts keys where Java's client puts them`, async () => {
      await using opened = await open(driver);
      const prices = freshTopic();
      const keys = range(50).map((n) => `key-${n}`);
      const published = await Promise.all(
        keys.map((key) => opened.publish(prices, aPriceUpdated(), { key })),
      );
      const wanted = keys.map((key) => partitionOfKey(key, 3));
      assert.deepEqual(published.map(({ partition }) => partition), wanted);
    });

    test(`go-peer 5 bus on ${driver} uses the other addresses where the first does not answer`, async () => {
      // Port 1 is nobody's on any machine of ours: it refuses.
      await using opened = await open(driver, {}, { brokers: ["127.0.0.1:1", ...server.brokers] });
      const prices = freshTopic();
      const got = collector<number>();
      await opened.subscribe(prices, (event) => got.add(numberOf(event)), { group: freshGroup() });
      await publishNumbers(opened, prices, 0, 3);
      assert.deepEqual(await got.until((seen) => seen.length >= 3), [0, 1, 2]);
    });

    test(`bus on ${driver} makes a topic as it is configured`, async () => {
      const prices = freshTopic();
      await using opened = await open(driver, {
        topics: [{ name: prices.name, partitions: 7, cleanupPolicy: "both" }],
      });
      await opened.subscribe(prices, () => {}, { group: freshGroup() });
      const spread = await Promise.all(
        range(200).map((n) => opened.publish(prices, aPriceUpdated(), { key: `k${n}` })),
      );
      assert.equal(new Set(spread.map(({ partition }) => partition)).size, 7);
    });

    test(`bus on ${driver} refuses a topic that is not there, and makes none unasked`, async () => {
      await using opened = await open(driver, { ensureTopics: false });
      const prices = freshTopic();
      const missing = { code: "CQI_NOT_FOUND", message: /ensure_topics/ };
      await assert.rejects(opened.publish(prices, aPriceUpdated()), missing);
      await assert.rejects(opened.subscribe(prices, () => {}), missing);
    });

    test(`K9 bus on ${driver} says at once that an event is too large for the broker`, async () => {
      await using opened = await open(driver, { maxMessageBytes: 4_000_000n });
      const prices = freshTopic();
      const raw = new Uint8Array(3_000_000);
      const tamper: bus.PublishMiddleware = (record, wait, next) =>
        next(record.key === "big" ? { ...record, value: raw } : record, wait);
      await using big = await open(driver, { maxMessageBytes: 4_000_000n }, {}, {
        publishMiddleware: [tamper],
      });
      const outcomes = await Promise.allSettled(
        ["a", "big", "b", "c"].map((key) => big.publish(prices, aPriceUpdated(), { key })),
      );
      assert.deepEqual(outcomes.map(({ status }) => status), [
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
      const refused = outcomes[1] as PromiseRejectedResult;
      assert.equal(refused.reason.code, "CQI_REQUEST_TOO_LARGE");
      assert.equal(refused.reason.retryable, false);
      await opened.publish(prices, aPriceUpdated());
    });

    test(`K14 bus on ${driver} begins again where the log begins, and says so`, async () => {
      const prices = freshTopic();
      const group = freshGroup();
      const logger = testLogger();
      await using opened = await open(driver, {}, {}, { logger });
      await publishNumbers(opened, prices, 0, 3);
      const first = await opened.subscribe(prices, () => {}, { group, startAt: "latest" });
      await first.close();
      // A place far behind the end, as a topic leaves it that was made anew.
      await commitFarAhead(driver, prices.name, group);
      const got = collector<number>();
      await opened.subscribe(prices, (event) => got.add(numberOf(event)), { group });
      assert.deepEqual(await got.until((seen) => seen.length === 3), [0, 1, 2]);
      logger.expect({ level: "warn", message: /first offset/ });
    });

    test(`bus on ${driver} keeps its place for a group that began at the end`, async () => {
      const prices = freshTopic();
      const group = freshGroup();
      await using opened = await open(driver);
      await publishNumbers(opened, prices, 0, 3);
      const one = await opened.subscribe(prices, () => {}, { group, startAt: "latest" });
      await one.close();
      await publishNumbers(opened, prices, 3, 5);
      const got = collector<number>();
      await opened.subscribe(prices, (event) => got.add(numberOf(event)), {
        group,
        startAt: "latest",
      });
      assert.deepEqual(await got.until((seen) => seen.length === 2), [3, 4]);
    });
  }

  for (const compression of ["gzip", "snappy", "lz4", "zstd"]) {
    test(`bus on kafka compresses with ${compression} and reads it again`, async () => {
      await using opened = await open("kafka", {}, { compression });
      const prices = freshTopic();
      await publishNumbers(opened, prices, 0, 50, (n) => `k${n % 5}`);
      const got = collector<number>();
      await opened.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup() });
      const seen = await got.until((all) => all.length === 50);
      assert.deepEqual([...seen].sort((a, b) => a - b), range(50));
    });
  }

  test("bus on kafkajs compresses with gzip and reads it again", async () => {
    await using opened = await open("kafkajs", {}, { compression: "gzip" });
    const prices = freshTopic();
    await publishNumbers(opened, prices, 0, 20);
    const got = collector<number>();
    await opened.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup() });
    assert.deepEqual(await got.until((seen) => seen.length === 20), range(20));
  });

  for (const acks of ["leader", "none"]) {
    test(`bus on kafka publishes with acks ${acks}`, async () => {
      const prices = freshTopic();
      // A leader that does not know its topic yet would drop what asks for no answer.
      await using sure = await open("kafka");
      await publishNumbers(sure, prices, 0, 1);
      await using opened = await open("kafka", {}, { acks });
      const { offset } = await opened.publish(prices, aPriceUpdated({ sequence: 1n }), {
        key: "k",
      });
      assert.equal(offset, acks === "none" ? -1n : 1n);
      const got = collector<number>();
      await opened.subscribe(prices, (e) => got.add(numberOf(e)), { group: freshGroup() });
      assert.deepEqual(await got.until((seen) => seen.length === 2), [0, 1]);
    });
  }

  test("row 28 a member with a name of its own comes back, and others do not stop", async () => {
    const { name } = freshTopic();
    const group = freshGroup();
    await using maker = await open("kafka", { topics: [{ name, partitions: 6 }] });
    await maker.ensureTopics([name]);
    const member = async (id: string) => {
      const driver = await driverOn("kafka", { groupInstanceId: `${id}-${group}` });
      const given: number[] = [];
      const read = collector<number>();
      const consumer = await driver.consume({ group, topics: new Map([[name, "earliest"]]) }, {
        records(records) {
          for (const { partition } of records) read.add(partition);
          return Promise.resolve();
        },
        revoked: (lost) => {
          given.push(...lost.map(({ partition }) => partition));
          return Promise.resolve();
        },
        state: () => {},
      });
      const close = async (): Promise<void> => {
        await consumer.close();
        await driver.close();
      };
      return { given, read, close };
    };
    const prices = topic(PriceUpdatedSchema, { name });
    const publish = () => publishNumbers(maker, prices, 0, 60, (n) => `k${n}`);
    const a = await member("a");
    const b = await member("b");
    // Until both have three: what is read by both of what is published now.
    for (let tries = 0; b.read.seen.length === 0 && tries < 50; tries++) await publish();
    const moved = [...a.given];
    const ofB = new Set(b.read.seen);
    await b.close();
    const again = await member("b");
    await publish();
    await again.read.until((seen) => ofB.size > 0 && seen.length > 0);
    assert.deepEqual(a.given, moved);
    assert.ok(again.read.seen.every((partition) => ofB.has(partition)));
    await Promise.all([a.close(), again.close()]);
  });

  test("bus on kafka says how a topic differs from its configuration", async () => {
    const prices = freshTopic();
    await using first = await open("kafka");
    await first.ensureTopics([prices.name]);
    const logger = testLogger();
    await using second = await open(
      "kafka",
      {
        topics: [{ name: prices.name, partitions: 9 }],
      },
      {},
      { logger },
    );
    await second.ensureTopics([prices.name]);
    logger.expect({
      level: "warn",
      message: /differs/,
      fields: { partitions: 3, wanted_partitions: 9 },
    });
  });

  test("bus on kafka reads one topic of a group while another is taken out", async () => {
    await using opened = await open("kafka");
    const [a, b] = [freshTopic(), freshTopic()];
    const group = freshGroup();
    const got = collector<string>();
    await opened.subscribe(a, (event) => got.add(`a${numberOf(event)}`), { group });
    const other = await opened.subscribe(b, (event) => got.add(`b${numberOf(event)}`), { group });
    await Promise.all([publishNumbers(opened, a, 0, 20), publishNumbers(opened, b, 0, 20)]);
    await other.close();
    await publishNumbers(opened, a, 20, 40);
    const seen = await got.until((all) => all.filter((each) => each.startsWith("a")).length >= 40);
    assert.deepEqual(
      seen.filter((each) => each.startsWith("a")),
      range(40).map((n) => `a${n}`),
    );
  });
}
