import { type DurationInput, toMilliseconds } from "../../core/mod.ts";
import { requireInteger } from "../../internal/options.ts";
import type { SqlValue } from "../sql.ts";
import type { DriverResult } from "../types.ts";
import { mockResult } from "./_mock_result.ts";
import { encode } from "../value.ts";

/** A row that a mock answers with. */
export type MockRow = Readonly<Record<string, unknown>>;

/**
 * What a mock is told to expect. Each method gives the same expectation back. One that is told
 * nothing answers with no rows.
 */
export interface Expectation {
  /**
   * Answers with rows. Types follow from the values: bigint as `int8`, Date as `timestamptz`,
   * Uint8Array as `bytea`, arrays, objects as `jsonb`, numbers as floats, all else as text.
   *
   * @param rows All with the columns of the first.
   */
  rows(rows: readonly MockRow[]): Expectation;
  /**
   * Answers with a number of changed rows.
   *
   * @param changed Such as `insert` gives.
   */
  count(changed: number): Expectation;
  /**
   * Fails as the server would.
   *
   * @param sqlstate Five characters, such as `23505`.
   * @param fields What the server says besides: `constraint`, `table`, `column`.
   */
  fails(sqlstate: string, fields?: Readonly<Record<string, string>>): Expectation;
  /** Loses the connection: the query may have been done or not. */
  loses(): Expectation;
  /**
   * Waits before it answers, on the database's clock; the query's signal ends the wait.
   *
   * @param duration How long.
   */
  delay(duration: DurationInput): Expectation;
  /**
   * Stands for several queries.
   *
   * @param count How many, 1 or more; `Infinity` for any number, none included.
   */
  times(count: number): Expectation;
}

/** How a mock answers one query. */
export interface Answer {
  readonly delayMs: number;
  readonly result: DriverResult;
  readonly error: Readonly<Record<string, string>> | undefined;
  readonly isLost: boolean;
}

/** White space counts as one blank, so that layout in code does not matter. */
export function normalized(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** An expectation with what it has seen. */
export class Script implements Expectation {
  readonly #pattern: string | RegExp;
  readonly #params: readonly (string | null)[] | undefined;
  #result: DriverResult = { command: "", count: 0, columns: [], rows: [] };
  #error: Readonly<Record<string, string>> | undefined;
  #isLost = false;
  #delayMs = 0;
  #left = 1;
  #isUnbounded = false;

  constructor(pattern: string | RegExp, params: readonly SqlValue[] | undefined) {
    this.#pattern = typeof pattern === "string" ? normalized(pattern) : pattern;
    this.#params = params?.map((value, i) => encode(value, `expected value $${i + 1}`));
  }

  get isSpent(): boolean {
    return this.#left === 0;
  }

  get isMet(): boolean {
    return this.#left === 0 || this.#isUnbounded;
  }

  /** For people: text or pattern, and the values when they are given. */
  get description(): string {
    const text = String(this.#pattern);
    return this.#params === undefined ? text : `${text} ${JSON.stringify(this.#params)}`;
  }

  matches(text: string, params: readonly (string | null)[]): boolean {
    const isText = typeof this.#pattern === "string"
      ? this.#pattern === normalized(text)
      // A pattern with flag g or y would remember where it stopped.
      : new RegExp(this.#pattern, this.#pattern.flags.replace(/[gy]/g, "")).test(normalized(text));
    return isText &&
      (this.#params === undefined || JSON.stringify(this.#params) === JSON.stringify(params));
  }

  take(): Answer {
    if (this.#left !== Infinity) this.#left--;
    return {
      delayMs: this.#delayMs,
      result: this.#result,
      error: this.#error,
      isLost: this.#isLost,
    };
  }

  rows(rows: readonly MockRow[]): Expectation {
    this.#result = mockResult(rows);
    return this;
  }

  count(changed: number): Expectation {
    requireInteger("count", changed, 0, Number.MAX_SAFE_INTEGER);
    this.#result = { ...this.#result, count: changed };
    return this;
  }

  fails(sqlstate: string, fields: Readonly<Record<string, string>> = {}): Expectation {
    this.#error = { ...fields, code: sqlstate };
    return this;
  }

  loses(): Expectation {
    this.#isLost = true;
    return this;
  }

  delay(duration: DurationInput): Expectation {
    this.#delayMs = toMilliseconds("delay", duration);
    return this;
  }

  times(count: number): Expectation {
    if (count !== Infinity) requireInteger("times", count, 1, Number.MAX_SAFE_INTEGER);
    this.#left = count;
    this.#isUnbounded = count === Infinity;
    return this;
  }
}
