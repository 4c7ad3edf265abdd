import * as bus from "../../bus/mod.ts";
import * as kafka from "../../bus/drivers/kafka.ts";
import { busContract } from "../../testing/bus_contract.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";

const server = await real(() => realKafka());
if (server !== undefined) {
  const backend = {
    driver: "kafka",
    kafka: {
      brokers: [...server.brokers],
      // Members that come and go are noticed at a heartbeat.
      heartbeatInterval: { nanos: 50_000_000 },
      sessionTimeout: { seconds: 10n },
    },
    ensureTopics: true,
  };
  // Other files share the server: their members of a group with the same name would be ours.
  const consumerGroup = `default-${crypto.randomUUID()}`;
  const drivers: bus.OpenOptions["drivers"] = { kafka: () => kafka };
  busContract(
    "bus kafka",
    {
      open: (section, options) =>
        bus.open({ consumerGroup, ...(section as object), ...backend }, { ...options, drivers }),
    },
    {
      persistent: true,
      crossProcess: true,
      idempotentProducer: true,
      startAtTime: true,
      startAtOffset: true,
      lag: true,
      attemptsPersist: true,
    },
  );
}
