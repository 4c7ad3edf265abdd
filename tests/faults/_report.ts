import process from "node:process";

/**
 * Prints what a test counted, as a line that the test runner repeats at the end of its run.
 *
 * @param line The row of the threats, and what was counted.
 */
export function report(line: string): void {
  process.stdout.write(`counted ${line}\n`);
}

/** Prints a line for the test that started this process. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
