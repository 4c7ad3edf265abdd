import { test } from "node:test";
import {
  closingIsIdempotent,
  everythingArrives,
  killedOneIsReplaced,
  membersComeAndGo,
  unansweredHoldsItsKey,
} from "./_scenarios.ts";

/** What a worker runs on. */
export interface Subject {
  /** Name of the driver. */
  readonly driver: string;
  /** Addresses to begin with; empty for a driver without. */
  readonly brokers?: readonly string[];
}

/** Variables that start a worker on a driver. */
export function envOf({ driver, brokers = [] }: Subject): Record<string, string> {
  return {
    CQI_DRIVER: driver,
    BROKERS: brokers.join(","),
    PARTITIONS: "6",
    RF: "1",
    REDIS_URL: "",
  };
}

/** Registers the tests of the bus that a worker passes on any driver. */
export function workerTests(subject: Subject): void {
  const env = envOf(subject);
  const name = `worker ${subject.driver}`;

  test(`${name}, everything reaches each group and the reader, in order, refusals included`, async () => {
    await everythingArrives(env);
  });

  test(`${name}, members that come and go lose and skip nothing`, async () => {
    await membersComeAndGo(env);
  });

  test(`${name}, what is not answered holds up its key alone and comes again`, async () => {
    await unansweredHoldsItsKey(env);
  });

  test(`${name}, closing twice and at once is one closing`, async () => {
    await closingIsIdempotent(env);
  });

  // What is in the memory of one that is killed is gone with it.
  if (subject.brokers === undefined) return;

  test(`${name}, one that is killed is replaced without loss`, async () => {
    await killedOneIsReplaced(env);
  });
}
