import { isCqiError } from "../../errors/mod.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import type { Job } from "./plan.ts";

/** Servers that the test files share, so that not each starts its own. */
export interface SharedServers extends AsyncDisposable {
  /** Variables that tell a test file where they are. */
  readonly env: Readonly<Record<string, string>>;
}

async function mentions(root: string, jobs: readonly Job[], word: string): Promise<boolean> {
  const files = new Set(jobs.filter((job) => !job.suite.alone).map((job) => job.file));
  for (const file of files) {
    if ((await Deno.readTextFile(`${root}/${file}`)).includes(word)) return true;
  }
  return false;
}

/**
 * Starts the servers that take long to start and that a file of the jobs uses: Kafka. Where it is
 * not installed nothing is started, and the files say so themselves.
 *
 * @param jobs What will run.
 * @param root Path of the checkout.
 */
export async function startShared(jobs: readonly Job[], root: string): Promise<SharedServers> {
  const none = { env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  if (!await mentions(root, jobs, "realKafka")) return none;
  try {
    const kafka = await realKafka();
    return {
      env: { TEST_KAFKA: kafka.brokers.join(",") },
      [Symbol.asyncDispose]: () => kafka.close(),
    };
  } catch (error) {
    if (isCqiError(error) && error.code === "CQI_DRIVER_MISSING") return none;
    throw error;
  }
}
