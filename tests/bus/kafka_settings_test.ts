import assert from "node:assert/strict";
import { test } from "node:test";
import * as kafka from "../../bus/drivers/kafka.ts";
import * as kafkajs from "../../bus/drivers/kafkajs.ts";
import * as bus from "../../bus/mod.ts";

const drivers: bus.OpenOptions["drivers"] = { kafka: () => kafka, kafkajs: () => kafkajs };
const brokers = ["127.0.0.1:1"];

const REFUSED:
  readonly (readonly [string, bus.EventBusConfigInit, { code: string; message: RegExp }])[] = [
    ["kafka without a section", { driver: "kafka" }, {
      code: "CQI_CONFIG_INVALID",
      message: /kafka\.brokers/,
    }],
    ["kafkajs without a section", { driver: "kafkajs" }, {
      code: "CQI_CONFIG_INVALID",
      message: /kafkajs\.brokers/,
    }],
    ["kafka without a broker", { driver: "kafka", kafka: { brokers: [] } }, {
      code: "CQI_CONTRACT_INVALID",
      message: /brokers/,
    }],
    [
      "the protocol in which partitions move before their handlers are done",
      { driver: "kafka", kafka: { brokers, groupProtocol: "consumer" } },
      { code: "CQI_FEATURE_UNSUPPORTED", message: /group_protocol/ },
    ],
    ["the registry's framing", { driver: "kafka", kafka: { brokers, wireFormat: "confluent" } }, {
      code: "CQI_FEATURE_UNSUPPORTED",
      message: /wire_format/,
    }],
    [
      "a heartbeat later than the session",
      {
        driver: "kafka",
        kafka: { brokers, heartbeatInterval: { seconds: 40n }, sessionTimeout: { seconds: 40n } },
      },
      { code: "CQI_CONFIG_INVALID", message: /heartbeat_interval is 40000 ms/ },
    ],
    ["a file of certificates that is not there", {
      driver: "kafka",
      kafka: { brokers, tls: { caFile: "/nowhere/ca.pem" } },
    }, { code: "CQI_CONFIG_INVALID", message: /tls\.ca_file/ }],
    ["a password that is not set", {
      driver: "kafka",
      kafka: {
        brokers,
        sasl: {
          mechanism: "PLAIN",
          username: "u",
          password: { valueSource: { case: "env", value: "CQI_NO_SUCH_PASSWORD" } },
        },
      },
    }, { code: "CQI_CONFIG_INVALID", message: /CQI_NO_SUCH_PASSWORD/ }],
    ["a token that is not set, with kafkajs", {
      driver: "kafkajs",
      kafkajs: {
        brokers,
        sasl: {
          mechanism: "OAUTHBEARER",
          token: { valueSource: { case: "env", value: "CQI_NO_SUCH_TOKEN" } },
        },
      },
    }, { code: "CQI_CONFIG_INVALID", message: /CQI_NO_SUCH_TOKEN/ }],
  ];

for (const [what, section, error] of REFUSED) {
  test(`open refuses ${what}`, async () => {
    await assert.rejects(bus.open(section, { drivers }), error);
  });
}

for (const driver of ["kafka", "kafkajs"] as const) {
  test(`bus on ${driver} opens with Kafka away, says that it is down, and closes`, async () => {
    const connectTimeout = { nanos: 200_000_000 };
    const opened = await bus.open({ driver, [driver]: { brokers, connectTimeout } }, { drivers });
    assert.equal((await opened.check()).status, "down");
    await opened.close();
  });

  test(`bus on ${driver} with Kafka away says that nothing was written`, async () => {
    await using opened = await bus.open({
      driver,
      [driver]: { brokers, connectTimeout: { nanos: 200_000_000 } },
      publishTimeout: { nanos: 300_000_000 },
    }, { drivers });
    const { aPriceUpdated } = await import("../../testing/builders.ts");
    const { freshTopic } = await import("../../testing/_bus_kit.ts");
    await assert.rejects(opened.publish(freshTopic(), aPriceUpdated()), {
      code: "CQI_BUS_UNAVAILABLE",
      details: { outcome: "not_written" },
    });
  });
}
