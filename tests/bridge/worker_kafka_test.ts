import { test } from "node:test";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import {
  closingIsIdempotent,
  everythingArrives,
  killedOneIsReplaced,
  membersComeAndGo,
  unansweredHoldsItsKey,
} from "./_scenarios.ts";

const server = await real(() => realKafka());
if (server !== undefined) {
  const env = {
    CQI_DRIVER: "kafka",
    BROKERS: server.brokers.join(","),
    PARTITIONS: "6",
    RF: "1",
    REDIS_URL: "",
  };

  test("worker kafka, everything reaches each group and the reader, in order, refusals included", async () => {
    await everythingArrives(env);
  });

  test("worker kafka, members that come and go lose and skip nothing", async () => {
    await membersComeAndGo(env);
  });

  test("worker kafka, what is not answered holds up its key alone and comes again", async () => {
    await unansweredHoldsItsKey(env);
  });

  test("worker kafka, one that is killed is replaced without loss", async () => {
    await killedOneIsReplaced(env);
  });

  test("worker kafka, closing twice and at once is one closing", async () => {
    await closingIsIdempotent(env);
  });
}
