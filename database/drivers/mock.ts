import { isFieldSet } from "@bufbuild/protobuf";
import { type Instruments, sleep } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { type DatabaseConfig, MockDatabaseConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { SqlValue } from "../sql.ts";
import type {
  DatabaseDriver,
  DatabaseDriverModule,
  DriverConnection,
  DriverQueryOptions,
  DriverResult,
} from "../types.ts";
import { type Expectation, type MockRow, normalized, Script } from "./_expectation.ts";

export type { Expectation, MockRow };

/** A query that a mock has seen. */
export interface MockCall {
  /** The text, white space as one blank. */
  readonly text: string;
  /** The values as they were sent. */
  readonly params: readonly (string | null)[];
}

/** How a mock behaves. */
export interface MockDatabaseOptions {
  /** Whether queries must come in the order of the expectations. @default {true} */
  readonly ordered?: boolean;
}

/** A scripted database: a driver, and what it is told to expect. */
export interface MockDatabase extends DatabaseDriverModule {
  /** Queries seen so far, those that control transactions included. */
  readonly calls: readonly MockCall[];
  /**
   * Expects one query. `begin`, `commit` and their like need no expectation; they may have one,
   * to fail.
   *
   * @param pattern The whole text with its placeholders, white space apart; or a pattern.
   * @param params The values; any when not given.
   */
  expect(pattern: string | RegExp, params?: readonly SqlValue[]): Expectation;
  /** Throws `CQI_DATABASE_MOCK` when a query was a surprise or an expectation is not met. */
  verify(): void;
}

const CONTROL_REGEXP = /^(?:begin|commit|rollback|savepoint|release|declare|close)\b/;

function surprise(call: MockCall, expected: Script | undefined): CqiError {
  const values = call.params.length === 0 ? "" : ` ${JSON.stringify(call.params)}`;
  const current = call.text + values;
  const lines = expected === undefined
    ? ["  expected: no further query", `  current:  ${current}`]
    : [`  expected: ${expected.description}`, `  current:  ${current}`];
  if (expected !== undefined && !expected.description.startsWith("/")) {
    const text = expected.description;
    let at = 0;
    while (at < text.length && text[at] === current[at]) at++;
    lines.push(`${" ".repeat(12 + at)}^ differs from here`);
  }
  return new CqiError(
    "CQI_DATABASE_MOCK",
    `Cannot answer a query that was not expected\n${lines.join("\n")}`,
  );
}

class MockConnection implements DriverConnection {
  readonly #answer: (call: MockCall, options: DriverQueryOptions) => Promise<DriverResult>;
  #isBroken = false;

  constructor(answer: (call: MockCall, options: DriverQueryOptions) => Promise<DriverResult>) {
    this.#answer = answer;
  }

  get broken(): boolean {
    return this.#isBroken;
  }

  async query(
    text: string,
    params: readonly (string | null)[],
    options: DriverQueryOptions,
  ): Promise<DriverResult> {
    try {
      return await this.#answer({ text: normalized(text), params }, options);
    } catch (error) {
      if ((error as { code?: unknown }).code === "MOCK_LOST") this.#isBroken = true;
      throw error;
    }
  }

  async script(text: string, options: DriverQueryOptions): Promise<void> {
    await this.query(text, [], options);
  }

  close(): Promise<void> {
    this.#isBroken = true;
    return Promise.resolve();
  }
}

/**
 * Makes a scripted database for tests.
 *
 * @param options Whether order matters; the configuration's `mock.ordered` decides when not given.
 *
 * @example
 * ```ts
 * import { open } from "@cq/cqi/database";
 * import { mockDatabase } from "@cq/cqi/database/mock";
 * import assert from "node:assert/strict";
 *
 * const mock = mockDatabase();
 * mock.expect("select name from venues where id = $1", ["v-1"]).rows([{ name: "Kraken" }]);
 *
 * await using db = await open({ driver: "mock" }, { drivers: { mock: () => mock } });
 * const venue = await db.sql`select name from venues where id = ${"v-1"}`.one();
 * assert.deepEqual(venue, { name: "Kraken" });
 * mock.verify();
 * ```
 */
export function mockDatabase(options: MockDatabaseOptions = {}): MockDatabase {
  const scripts: Script[] = [];
  const calls: MockCall[] = [];
  const surprises: CqiError[] = [];

  function find(call: MockCall, isOrdered: boolean): Script | undefined {
    const open = scripts.filter((script) => !script.isSpent);
    if (!isOrdered) return open.find((script) => script.matches(call.text, call.params));
    for (const script of open) {
      if (script.matches(call.text, call.params)) return script;
      // One that stands for any number may be passed over.
      if (!script.isMet) return undefined;
    }
    return undefined;
  }

  async function answer(
    call: MockCall,
    env: Instruments,
    isOrdered: boolean,
    queryOptions: DriverQueryOptions,
  ): Promise<DriverResult> {
    calls.push(call);
    const script = find(call, isOrdered);
    if (script === undefined) {
      if (CONTROL_REGEXP.test(call.text)) {
        const command = call.text.split(" ")[0]!.toUpperCase();
        return { command, count: 0, columns: [], rows: [] };
      }
      const error = surprise(call, scripts.find((candidate) => !candidate.isMet));
      surprises.push(error);
      throw error;
    }
    const { delayMs, error, isLost, result } = script.take();
    const { signal } = queryOptions;
    if (delayMs > 0) await sleep(env.clock, delayMs, { signal });
    if (isLost) throw Object.assign(new Error("Lost by script"), { code: "MOCK_LOST" });
    if (error !== undefined) throw Object.assign(new Error("Failed by script"), error);
    return result;
  }

  return {
    calls,
    expect(pattern, params) {
      const script = new Script(pattern, params);
      scripts.push(script);
      return script;
    },
    verify() {
      if (surprises.length > 0) throw surprises[0];
      const unmet = scripts.filter((script) => !script.isMet);
      if (unmet.length === 0) return;
      throw new CqiError(
        "CQI_DATABASE_MOCK",
        `Cannot end the test: ${unmet.length} expected queries did not come\n${
          unmet.map((script) => `  expected: ${script.description}`).join("\n")
        }`,
      );
    },
    createDriver(config, env) {
      const configured = config.mock !== undefined &&
          isFieldSet(config.mock, MockDatabaseConfigSchema.field.ordered)
        ? config.mock.ordered
        : true;
      const isOrdered = options.ordered ?? configured;
      return mockDriver((call, queryOptions) => answer(call, env, isOrdered, queryOptions));
    },
  };
}

function mockDriver(
  answer: (call: MockCall, options: DriverQueryOptions) => Promise<DriverResult>,
): DatabaseDriver {
  return {
    name: "mock",
    features: {
      cancel: true,
      parallel: true,
      cursors: false,
      advisoryLocks: false,
      listen: false,
      copy: false,
    },
    namespace: "mock",
    connect({ signal }) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      return Promise.resolve(new MockConnection(answer));
    },
    close: () => Promise.resolve(),
  };
}

/** One scripted query, as the configuration's `options.expect` lists them. */
interface ConfiguredExpectation {
  readonly query?: unknown;
  readonly params?: unknown;
  readonly rows?: unknown;
  readonly count?: unknown;
  readonly sqlstate?: unknown;
}

/**
 * Makes the driver `mock` from configuration alone: `options.expect` lists objects with `query`
 * and, as wanted, `params`, `rows`, `count` or `sqlstate`. Tests that see their mock use
 * {@linkcode mockDatabase}.
 *
 * @param config Reads `mock.ordered` and `options.expect`.
 * @param env The clock is that of delays.
 * @throws `CQI_OPTION_INVALID` for a list that cannot be read.
 */
export function createDriver(
  config: DatabaseConfig,
  env: Instruments,
): DatabaseDriver | Promise<DatabaseDriver> {
  const mock = mockDatabase();
  const listed = config.options?.expect ?? [];
  const list: readonly unknown[] = Array.isArray(listed) ? listed : [listed];
  for (const item of list) {
    const { query, params, rows, count, sqlstate } = (item ?? {}) as ConfiguredExpectation;
    if (typeof query !== "string" || (params !== undefined && !Array.isArray(params))) {
      throw new CqiError(
        "CQI_OPTION_INVALID",
        "Cannot use option 'options.expect': it must be a list of objects with a text 'query' and " +
          "a list 'params'",
      );
    }
    const expectation = mock.expect(query, params as readonly SqlValue[] | undefined);
    if (Array.isArray(rows)) expectation.rows(rows as readonly MockRow[]);
    if (typeof count === "number") expectation.count(count);
    if (typeof sqlstate === "string") expectation.fails(sqlstate);
  }
  return mock.createDriver(config, env);
}
