import { test } from "node:test";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { brokerRestarts } from "../bridge/_scenarios.ts";
import { envOf } from "../bridge/_worker_tests.ts";
import { report } from "./_report.ts";

const server = await real(() => realKafka({ own: true }));
if (server !== undefined) {
  const { brokers, nodes: [node] } = server;
  for (const driver of ["kafka", "kafkajs"]) {
    test(`K1 worker ${driver}, a broker killed twice amid 10,000 messages loses and skips nothing`, async () => {
      const restart = async (): Promise<void> => {
        await node!.kill();
        await node!.start();
      };
      const counted = await brokerRestarts(envOf({ driver, brokers }), restart);
      report(`K1 worker ${driver}: ${counted}`);
    });
  }
}
