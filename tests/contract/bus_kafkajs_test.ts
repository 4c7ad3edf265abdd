import * as bus from "../../bus/mod.ts";
import * as kafkajs from "../../bus/drivers/kafkajs.ts";
import { busContract } from "../../testing/bus_contract.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";

const server = await real(() => realKafka());
if (server !== undefined) {
  const backend = {
    driver: "kafkajs",
    kafkajs: {
      brokers: [...server.brokers],
      // Members that come and go are noticed at a heartbeat.
      heartbeatInterval: { nanos: 50_000_000 },
      sessionTimeout: { seconds: 10n },
    },
    ensureTopics: true,
  };
  // Other files share the server: their members of a group with the same name would be ours.
  const consumerGroup = `default-${crypto.randomUUID()}`;
  const drivers: bus.OpenOptions["drivers"] = { kafkajs: () => kafkajs };
  busContract(
    "bus kafkajs",
    {
      open: (section, options) =>
        bus.open({ consumerGroup, ...(section as object), ...backend }, { ...options, drivers }),
    },
    {
      persistent: true,
      crossProcess: true,
      idempotentProducer: false,
      startAtTime: true,
      startAtOffset: true,
      lag: true,
      attemptsPersist: true,
    },
  );
}
