import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import { workerTests } from "./_worker_tests.ts";

const server = await real(() => realKafka());
if (server !== undefined) workerTests({ driver: "kafkajs", brokers: server.brokers });
