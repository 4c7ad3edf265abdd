import { test } from "node:test";

/** What a contract suite needs to know of a test. */
export interface SuiteTest {
  /** Sentence that names it. */
  readonly name: string;
  /** Feature without which the test has no meaning; its absence skips by that name. */
  readonly needs?: string;
  /** The test. */
  readonly run: () => Promise<void>;
}

/**
 * Registers the tests of a contract suite with node:test, which all three runtimes have.
 *
 * @param subject What is under test, such as `bus memory`.
 * @param features What it declares.
 * @param tests The suite.
 */
export function registerSuite(
  subject: string,
  features: Readonly<Record<string, boolean>>,
  tests: readonly SuiteTest[],
): void {
  for (const { name, needs, run } of tests) {
    const skip = needs !== undefined && features[needs] !== true;
    // In the name, since two of the three runtimes do not print the reason of a skip.
    const title = skip ? `${subject}: ${name} (declares no '${needs}')` : `${subject}: ${name}`;
    test(title, { skip, timeout: 30_000 }, run);
  }
}
