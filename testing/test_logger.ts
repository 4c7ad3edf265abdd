import type { Lazy, LogFields, Logger, LogLevel } from "../core/mod.ts";
import { activeContext, LOG_FIELDS } from "../core/mod.ts";
import { isEqual, show } from "./_compare.ts";

/** One line that was logged. */
export interface TestLogEntry {
  /** Severity. */
  readonly level: LogLevel;
  /** What happened. */
  readonly message: string;
  /** Fields of the context, the logger and the line, as they were given: not made safe. */
  readonly fields: LogFields;
}

/** What a line is expected to be; what is left out may be anything. */
export interface ExpectedLog {
  /** Severity. */
  readonly level?: LogLevel;
  /** The message, or a pattern in it. */
  readonly message?: string | RegExp;
  /** Fields it must have, compared by value; a pattern is looked for in a text. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it is given. */
export interface TestLogger extends Logger {
  /** All lines so far, oldest first. */
  readonly entries: readonly TestLogEntry[];
  /**
   * Finds the first line that fits.
   *
   * @param expected What it must be.
   * @throws {Error} When no line fits; its message lists those that there are.
   */
  expect(expected: ExpectedLog): TestLogEntry;
  /**
   * Checks that no line fits.
   *
   * @param unwanted What none must be.
   * @throws {Error} When one does.
   */
  expectNone(unwanted: ExpectedLog): void;
  /** Forgets all lines. */
  clear(): void;
}

const SHOWN = 20;

function fits(entry: TestLogEntry, { level, message, fields = {} }: ExpectedLog): boolean {
  if (level !== undefined && entry.level !== level) return false;
  if (typeof message === "string" && entry.message !== message) return false;
  if (message instanceof RegExp && !message.test(entry.message)) return false;
  return Object.entries(fields).every(([key, value]) => isEqual(entry.fields[key], value));
}

function list(entries: readonly TestLogEntry[]): string {
  if (entries.length === 0) return "nothing was logged";
  const lines = entries.slice(-SHOWN).map(({ level, message, fields }) =>
    `  ${level.padEnd(5)} ${show(message)} ${show(fields)}`
  );
  const note = entries.length > SHOWN ? ` (the last ${SHOWN} of ${entries.length})` : "";
  return `these were logged${note}:\n${lines.join("\n")}`;
}

const force = <T>(value: Lazy<T>): T => typeof value === "function" ? (value as () => T)() : value;

/**
 * Makes a logger for tests, with all levels on.
 *
 * @example
 * ```ts
 * import { testLogger } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const logger = testLogger();
 * logger.child({ component: "bus" }).error("Cannot publish", { topic: "orders" });
 *
 * logger.expect({ level: "error", message: /publish/, fields: { component: "bus" } });
 * assert.throws(() => logger.expect({ level: "warn" }), /error "Cannot publish"/);
 * ```
 */
export function testLogger(): TestLogger {
  const entries: TestLogEntry[] = [];
  const loggerOf = (bound: LogFields): Logger => {
    const log = (level: LogLevel, message: Lazy<string>, fields: Lazy<LogFields> = {}): void => {
      const ambient = activeContext().get(LOG_FIELDS);
      const all = { ...ambient, ...bound, ...force(fields) };
      entries.push({ level, message: force(message), fields: all });
    };
    return {
      isEnabled: () => true,
      log,
      trace: (message, fields) => log("trace", message, fields),
      debug: (message, fields) => log("debug", message, fields),
      info: (message, fields) => log("info", message, fields),
      warn: (message, fields) => log("warn", message, fields),
      error: (message, fields) => log("error", message, fields),
      fatal: (message, fields) => log("fatal", message, fields),
      child: (fields) => loggerOf({ ...bound, ...fields }),
    };
  };
  return {
    ...loggerOf({}),
    entries,
    expect(expected) {
      const found = entries.find((entry) => fits(entry, expected));
      if (found !== undefined) return found;
      throw new Error(`Expected a log line like ${show(expected)}, but ${list(entries)}`);
    },
    expectNone(unwanted) {
      const found = entries.find((entry) => fits(entry, unwanted));
      if (found === undefined) return;
      throw new Error(`Expected no log line like ${show(unwanted)}, but ${list([found])}`);
    },
    clear: () => void (entries.length = 0),
  };
}
