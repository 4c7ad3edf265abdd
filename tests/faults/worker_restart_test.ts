import process from "node:process";
import { test } from "node:test";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { brokerRestarts } from "../bridge/_scenarios.ts";

const server = await real(() => realKafka({ own: true }));
if (server !== undefined) {
  const [node] = server.nodes;
  for (const driver of ["kafka", "kafkajs"]) {
    test(`K1 worker ${driver}, a broker killed twice amid 10,000 messages loses and skips nothing`, async () => {
      const env = {
        CQI_DRIVER: driver,
        BROKERS: server.brokers.join(","),
        PARTITIONS: "6",
        RF: "1",
        REDIS_URL: "",
      };
      const restart = async (): Promise<void> => {
        await node!.kill();
        await node!.start();
      };
      const counted = await brokerRestarts(env, restart);
      process.stdout.write(`counted K1 worker ${driver}: ${counted}\n`);
    });
  }
}
