import process from "node:process";
import { after, test } from "node:test";
import { isCqiError, messageOf } from "../errors/mod.ts";

/**
 * A real server for the tests of one file, closed after the last of them. On a machine that has
 * none it registers one test that is skipped with the reason, and gives undefined; under CI, where
 * nothing may be left out, that test fails.
 *
 * @param start A starter of `testing/`, such as `realRedis`.
 */
export async function real<T extends { close(): Promise<void> }>(
  start: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const server = await start();
    after(() => server.close());
    return server;
  } catch (error) {
    const inCi = !["", "false"].includes(process.env["CI"] ?? "");
    const missing = isCqiError(error) && error.code === "CQI_DRIVER_MISSING";
    // A test rather than a throw: Deno overlooks what a file throws after its first test.
    const skip = missing && !inCi ? `${messageOf(error)}` : false;
    test(`a real server is here (${messageOf(error)})`, { skip }, () => {
      throw error;
    });
    return undefined;
  }
}
