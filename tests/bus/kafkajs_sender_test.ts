// What becomes of publications of the driver kafkajs whose leader hangs.

import type { Kafka } from "kafkajs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { kafkajsSender } from "../../bus/drivers/_kafkajs_sender.ts";
import { kafkajsSettings } from "../../bus/drivers/_kafkajs_settings.ts";
import type { KafkajsTopics } from "../../bus/drivers/_kafkajs_topics.ts";
import { create } from "@bufbuild/protobuf";
import { instruments } from "../../core/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { turn } from "../_until.ts";

test("K4: kafkajs takes another producer behind a publication that its leader did not answer in time", async () => {
  const timedOut = Promise.withResolvers<never>();
  let [made, ended] = [0, 0];
  const kafka = {
    producer() {
      const number = ++made;
      return {
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(void ended++),
        send: () =>
          number === 1 ? timedOut.promise : Promise.resolve([{ baseOffset: `${number}` }]),
      };
    },
  } as unknown as Kafka;
  const topics = { count: () => Promise.resolve(1), forget: () => {} } as unknown as KafkajsTopics;
  const config = create(EventBusConfigSchema, { driver: "kafkajs", kafkajs: { brokers: ["a:1"] } });
  const env = instruments({ clock: fakeClock() });
  const sender = kafkajsSender(kafka, topics, kafkajsSettings(config), env);
  const record = { topic: "t", key: "k", value: null, headers: new Map(), timestampMs: 0 };
  const limit = new AbortController();
  const first = sender.send([record], limit.signal);
  await turn();
  limit.abort(new Error("time is up"));
  assert.match(String((await first)[0]), /may or may not have been written/);
  const second = sender.send([record], new AbortController().signal);
  await turn();
  // Behind what is still under way: the record must not overtake it.
  assert.equal(made, 1);
  timedOut.reject(Object.assign(new Error("no answer"), { name: "KafkaJSRequestTimeoutError" }));
  assert.equal(((await second)[0] as { offset: bigint }).offset, 2n);
  assert.equal(ended, 1);
});
