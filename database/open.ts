import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import {
  activeContext,
  contextKey,
  durationMs,
  type HealthReport,
  type Instruments,
  instruments,
  type WaitOptions,
} from "../core/mod.ts";
import { validate } from "../contracts/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type DatabaseConfig, DatabaseConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { requireOneOf, requireSection } from "../internal/options.ts";
import { checkPool } from "./_check.ts";
import { copyRecords } from "./_copy.ts";
import { exposeEngine } from "./_engine.ts";
import { isStaleSession } from "./_errors.ts";
import { ListenHub } from "./_listen_hub.ts";
import { Opener } from "./_opener.ts";
import { Pool } from "./_pool.ts";
import { closed, type PoolSettings } from "./_pool_settings.ts";
import { type Executor, type QueryTimes, sqlTag } from "./_query.ts";
import { copySender, createRunner } from "./_runner.ts";
import type { Scope } from "./_scope.ts";
import { refuseControl, transactionClosed } from "./_scope_errors.ts";
import { streamed } from "./_stream.ts";
import { Texts } from "./_texts.ts";
import { TimeLimits } from "./_time_limits.ts";
import { runTransaction, type TransactionEnv } from "./_transaction.ts";
import type { Database, OpenOptions } from "./database.ts";
import { quoteIdentifier } from "./sql.ts";
import type { DatabaseDriver } from "./types.ts";

/** The configuration section as code writes it. */
export type DatabaseConfigInit = MessageInitShape<typeof DatabaseConfigSchema>;

const DEFAULT_MAX = 10;
const CLOSE_GRACE_MS = 10_000;

function poolSettings(config: DatabaseConfig, driver: DatabaseDriver): PoolSettings {
  const has = (name: keyof typeof DatabaseConfigSchema.field): boolean =>
    isFieldSet(config, DatabaseConfigSchema.field[name]);
  const max = Math.min(
    has("maxConns") ? config.maxConns : DEFAULT_MAX,
    driver.maxConnections ?? Infinity,
  );
  return {
    max,
    min: Math.min(max, config.minConns),
    lifetimeMs: durationMs(config.maxConnLifetime, 1_800_000),
    idleMs: durationMs(config.maxConnIdleTime, 300_000),
    connectMs: durationMs(config.connectTimeout, 5000),
    acquireMs: durationMs(config.acquireTimeout, 5000),
    limits: {
      statementMs: durationMs(config.queryTimeout, 30_000),
      lockMs: durationMs(config.lockTimeout, 10_000),
      idleInTransactionMs: durationMs(config.idleInTransactionTimeout, 60_000),
      applicationName: has("applicationName") ? config.applicationName : undefined,
    },
  };
}

/**
 * Opens a database.
 *
 * The default driver is `pglite`: PostgreSQL inside the process, in memory. Drivers are looked up
 * in `options.drivers`; `@cq/cqi` and its presets bring the built-in ones.
 *
 * @param section Configuration; durations and sizes of the pool, driver, its own section.
 * @param options Drivers, instruments, strictness.
 * @throws `CQI_CONTRACT_INVALID` for a section that breaks its rules,
 * `CQI_DATABASE_DRIVER_UNKNOWN` and `CQI_DRIVER_MISSING` for the driver.
 *
 * @example
 * ```ts
 * import { open } from "@cq/cqi/database";
 * import assert from "node:assert/strict";
 *
 * await using db = await open({}, { drivers: { pglite: () => import("@cq/cqi/database/pglite") } });
 * const [row] = await db.sql`select ${"0.10"}::numeric * 3 as total`;
 * assert.deepEqual(row, { total: "0.30" });
 * ```
 */
export async function open(
  section: DatabaseConfigInit = {},
  options: OpenOptions = {},
): Promise<Database> {
  const config = create(DatabaseConfigSchema, requireSection("database", section));
  validate(DatabaseConfigSchema, config);
  const ambient = requireOneOf("ambient", options.ambient ?? "error", ["error", "join"]);
  const env = instruments(options);
  const name = isFieldSet(config, DatabaseConfigSchema.field.driver) ? config.driver : "pglite";
  const table = options.drivers ?? {};
  const module = await loadDriver("database", name, table, "CQI_DATABASE_DRIVER_UNKNOWN");
  const driver = await module.createDriver(config, env);
  return createDatabase(driver, config, env, ambient);
}

function createDatabase(
  driver: DatabaseDriver,
  config: DatabaseConfig,
  env: Instruments,
  ambient: TransactionEnv["ambient"],
): Database {
  const settings = poolSettings(config, driver);
  const opener = new Opener(driver, settings, env);
  const pool = new Pool(driver, settings, { opener, instruments: env });
  const limits = new TimeLimits(env.clock);
  const runner = createRunner(driver, {
    limits,
    queryMs: settings.limits.statementMs,
    slowMs: durationMs(config.slowQueryThreshold, 1000),
  }, env);
  const key = contextKey<Scope>(`transaction of ${driver.name}`);
  const hub = new ListenHub({ driver, opener, instruments: env, key });
  const texts = new Texts();
  const times: QueryTimes = { clock: env.clock, queryMs: settings.limits.statementMs };
  const transactions: TransactionEnv = {
    driver,
    pool,
    runner,
    limits,
    times,
    texts,
    key,
    ambient,
    instruments: env,
  };

  /** The transaction in which the calling code runs, if any. Throws for one that has ended. */
  function enclosing(): Scope | undefined {
    const scope = activeContext().get(key);
    // On the pool, what was left behind would stay when the transaction was undone.
    if (scope?.isOpen === false) throw transactionClosed();
    return scope;
  }

  function outside(what: string): CqiError {
    return new CqiError(
      "CQI_DATABASE_OUTSIDE_TRANSACTION",
      `Cannot ${what} on the database inside its own transaction: use the transaction's handle, ` +
        "or { ambient: 'join' }",
    );
  }

  const executor: Executor = {
    times,
    texts,
    async run(statement, queryOptions) {
      const scope = enclosing();
      if (scope?.ambient === "join") return await scope.run(statement, queryOptions);
      if (scope !== undefined) throw outside("run a query");
      refuseControl(statement);
      for (;;) {
        const session = await pool.acquire(queryOptions);
        const wasUsed = session.isUsed;
        try {
          const result = await runner(session, statement, queryOptions, { isTransaction: false });
          // Should a statement ever begin a transaction unseen, its connection is not used again.
          if (/^(?:BEGIN|START)$/.test(result.command)) await session.connection.close();
          return result;
        } catch (error) {
          // A select may call what writes: what was sent is asked again only where the caller says so.
          const isTwiceFine = !session.isTold || queryOptions.idempotent === true;
          if (!wasUsed || !isTwiceFine || !isStaleSession(session, error)) throw error;
        } finally {
          await pool.release(session);
        }
      }
    },
    async *batches(statement, queryOptions, batchSize) {
      const scope = enclosing();
      if (scope?.ambient === "join") {
        yield* scope.batches(statement, queryOptions, batchSize);
        return;
      }
      if (scope !== undefined) throw outside("stream a query");
      yield* streamed(transactions, statement, queryOptions, batchSize);
    },
    async copy(text, chunks, queryOptions) {
      const scope = enclosing();
      if (scope?.ambient === "join") return await scope.copy!(text, chunks, queryOptions);
      if (scope !== undefined) throw outside("copy rows");
      const session = await pool.acquire(queryOptions);
      try {
        const send = copySender(session.connection, text, chunks);
        const place = { isTransaction: false, send };
        return (await runner(session, texts.statement(text), queryOptions, place)).count;
      } finally {
        await pool.release(session);
      }
    },
  };

  const close = async (closeOptions: WaitOptions = {}): Promise<void> => {
    if (activeContext().get(key)?.isOpen === true) throw outside("call close");
    const startMs = env.clock.monotonic();
    await hub.close(closeOptions);
    const leftMs = Math.max(0, CLOSE_GRACE_MS - (env.clock.monotonic() - startMs));
    await pool.close(leftMs, closeOptions);
  };

  const db: Database = {
    driver: driver.name,
    features: driver.features,
    get pool() {
      return pool.stats;
    },
    sql: sqlTag(executor),
    async copyIn(table, records, options = {}) {
      if (driver.features.copy) return await copyRecords(executor, table, { records, options });
      // Several inserts: a transaction makes them one.
      const scope = enclosing();
      if (scope?.ambient === "join") return await scope.handle.copyIn(table, records, options);
      if (scope !== undefined) throw outside("copy rows");
      const { signal } = options;
      return await runTransaction(
        transactions,
        (tx) => tx.copyIn(table, records, options),
        signal === undefined ? {} : { signal },
      );
    },
    async listen(channel, handler, options = {}) {
      quoteIdentifier(channel);
      if (pool.stats.max === 0) throw closed();
      return await hub.listen(channel, handler, options);
    },
    async transaction(fn, transactionOptions = {}) {
      const scope = enclosing();
      if (scope === undefined) return await runTransaction(transactions, fn, transactionOptions);
      if (scope.ambient !== "join") throw outside("begin a transaction");
      const { isolation, readOnly, deferrable, retry } = transactionOptions;
      if ([isolation, readOnly, deferrable, retry].some((value) => value !== undefined)) {
        throw new CqiError(
          "CQI_OPTION_INVALID",
          "Cannot join a transaction with isolation, readOnly, deferrable or retry of its own",
        );
      }
      return await scope.savepoint(fn);
    },
    check: (checkOptions = {}): Promise<HealthReport> =>
      checkPool(pool, { ...transactions, opener }, checkOptions),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  exposeEngine(db, {
    transaction: (fn, engineOptions) => runTransaction(transactions, fn, engineOptions),
    logger: env.logger,
    guard: () => {
      if (enclosing() !== undefined) throw outside("migrate");
    },
  });
  return db;
}
