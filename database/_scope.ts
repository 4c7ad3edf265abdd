import { activeContext, type ContextKey, runInContext } from "../core/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { databaseError } from "./_errors.ts";
import { failedEarlier, refuseControl, savepointOpen, transactionClosed } from "./_scope_errors.ts";
import { allowTime, needsTime, type Session } from "./_session.ts";
import type { Runner } from "./_runner.ts";
import { copyRecords } from "./_copy.ts";
import { type CopyIn, type Executor, type QueryTimes, sqlTag } from "./_query.ts";
import type { QueryOptions } from "./query_options.ts";
import type { AmbientMode, Transaction, TransactionHook } from "./transaction.ts";
import { type CopySender, copySender } from "./_runner.ts";
import type { Statement, Texts } from "./_texts.ts";
import type { DatabaseDriver, DriverResult } from "./types.ts";

/** What all scopes of one transaction share. */
export interface TransactionState {
  readonly driver: DatabaseDriver;
  readonly session: Session;
  readonly runner: Runner;
  readonly times: QueryTimes;
  readonly texts: Texts;
  /** Under it the running scope is found from calls on the database itself. */
  readonly key: ContextKey<Scope>;
  readonly ambient: AmbientMode;
  readonly attempt: number;
  /** The caller's signal. */
  readonly given: AbortSignal | undefined;
  readonly afterCommit: TransactionHook[];
  readonly afterRollback: TransactionHook[];
  /** Rollback hooks of savepoints that were rolled back already. */
  readonly undone: TransactionHook[];
  /** True once the session goes back to the pool: nothing may be sent any more. */
  isOver: boolean;
  /** `statement_timeout` of the session when the transaction began, in milliseconds. */
  readonly statementMs: number;
  /** Why PostgreSQL will refuse to commit; undefined while all went well. */
  failure: unknown;
  /** Settles when the last statement that was asked for is done; undefined when none is. */
  tail: Promise<void> | undefined;
  /** Numbers savepoints and cursors. */
  counter: number;
}

/** One level of a transaction: the transaction itself, or a savepoint in it. */
export class Scope implements Executor {
  readonly #state: TransactionState;
  readonly handle: Transaction;
  #isOpen = true;
  #child: Scope | undefined;

  constructor(state: TransactionState) {
    this.#state = state;
    let seen: AbortSignal | undefined;
    this.handle = {
      sql: sqlTag(this),
      attempt: state.attempt,
      // Made for those who ask: most transactions have none, and nobody looks.
      get signal(): AbortSignal {
        return seen ??= state.given ?? new AbortController().signal;
      },
      copyIn: (table, records, options = {}) => copyRecords(this, table, { records, options }),
      savepoint: (fn) => this.savepoint(fn),
      afterCommit: (hook) => this.#addHook(state.afterCommit, hook),
      afterRollback: (hook) => this.#addHook(state.afterRollback, hook),
    };
  }

  get texts(): Texts {
    return this.#state.texts;
  }

  get times(): QueryTimes {
    return this.#state.times;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get ambient(): AmbientMode {
    return this.#state.ambient;
  }

  get copy(): CopyIn | undefined {
    const { connection } = this.#state.session;
    if (!this.#state.driver.features.copy) return undefined;
    return async (text, chunks, options) => {
      const send = copySender(connection, text, chunks);
      return (await this.#enqueue(this.texts.statement(text), options, send)).count;
    };
  }

  run(statement: Statement, options: QueryOptions): Promise<DriverResult> {
    refuseControl(statement);
    return this.#enqueue(statement, options);
  }

  async *batches(
    statement: Statement,
    options: QueryOptions,
    batchSize: number,
  ): AsyncIterableIterator<DriverResult> {
    refuseControl(statement);
    if (!this.#state.driver.features.cursors) {
      yield await this.#enqueue(statement, options);
      return;
    }
    const name = `"cqi_${++this.#state.counter}"`;
    const { text, params } = statement;
    const { texts } = this;
    const declare = texts.statement(`declare ${name} no scroll cursor for ${text}`, params);
    await this.#enqueue(declare, options);
    try {
      for (;;) {
        const fetch = texts.statement(`fetch forward ${batchSize} from ${name}`);
        const batch = await this.#enqueue(fetch, options);
        if (batch.rows.length > 0) yield batch;
        if (batch.rows.length < batchSize) break;
      }
    } finally {
      // A transaction that has failed or ended has closed the cursor by itself.
      if (this.#isOpen && this.#state.failure === undefined) {
        await this.#enqueue(texts.statement(`close ${name}`), {});
      }
    }
  }

  /** Runs a text of many statements; for migrations. */
  script(text: string): Promise<void> {
    this.#check();
    const { driver, session, times, given: signal } = this.#state;
    session.isDirty = true;
    return this.#after(async () => {
      try {
        if (needsTime(driver, session, Infinity)) {
          await allowTime(session, Infinity, { clock: times.clock, signal });
          signal?.throwIfAborted();
        }
        await session.connection.script(text, {
          timeoutMs: Infinity,
          ...(signal === undefined ? {} : { signal }),
        });
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        throw isCqiError(error) ? error : databaseError(error, "run the script");
      }
    });
  }

  async savepoint<T>(fn: (savepoint: Transaction) => T | Promise<T>): Promise<T> {
    this.#check();
    const state = this.#state;
    const name = `"cqi_${++state.counter}"`;
    const child = new Scope(state);
    this.#child = child;
    const commitHooks = state.afterCommit.length;
    const rollbackHooks = state.afterRollback.length;
    const control = (text: string): Promise<DriverResult> => {
      // Nobody waited for this savepoint: what it is part of has ended, and is undone whole.
      if (!this.#isOpen) throw transactionClosed();
      return child.#control(text);
    };
    try {
      await control(`savepoint ${name}`);
      const failureBefore = state.failure;
      try {
        const result = await child.inside(fn);
        await child.end();
        if (this.#isOpen && state.failure !== failureBefore) {
          throw failedEarlier(state.failure, "end savepoint");
        }
        await control(`release savepoint ${name}`);
        return result;
      } catch (error) {
        await child.end();
        // Hooks given inside must not see a commit of what is undone.
        state.afterCommit.length = commitHooks;
        state.undone.push(...state.afterRollback.splice(rollbackHooks));
        try {
          await control(`rollback to savepoint ${name}`);
          // What ended meanwhile, over this savepoint, has its own reason not to commit.
          if (this.#isOpen) state.failure = failureBefore;
          // A setting made inside is undone with the rest.
          state.session.statementMs = Math.min(state.session.statementMs, state.statementMs);
        } catch {
          // The failure is remembered and forbids the commit; the caller's own error says more.
        }
        throw error;
      }
    } finally {
      this.#child = undefined;
    }
  }

  /** Runs a function with this scope as the ambient one. */
  async inside<T>(fn: (handle: Transaction) => T | Promise<T>): Promise<T> {
    return await runInContext(
      activeContext().with(this.#state.key, this),
      () => fn(this.handle),
    );
  }

  /**
   * Closes the handle, then waits for statements that are under way. A savepoint that is still open
   * forbids the commit: what it did would stay while its promise says that it failed.
   */
  async end(): Promise<void> {
    this.#isOpen = false;
    if (this.#child !== undefined) {
      this.#state.failure ??= savepointOpen();
      await this.#child.end();
    }
    await this.#state.tail;
  }

  #addHook(hooks: TransactionHook[], hook: TransactionHook): void {
    this.#check();
    hooks.push(hook);
  }

  #check(): void {
    if (!this.#isOpen) throw transactionClosed();
    if (this.#child !== undefined) {
      throw new CqiError(
        "CQI_DATABASE_OUTSIDE_TRANSACTION",
        "Cannot use the outer handle while a savepoint is open: use the savepoint's own",
      );
    }
  }

  async #enqueue(
    statement: Statement,
    options: QueryOptions,
    send?: CopySender,
  ): Promise<DriverResult> {
    this.#check();
    return await this.#send(statement, options, { send });
  }

  #control(text: string): Promise<DriverResult> {
    return this.#send(this.texts.statement(text), {}, { isControl: true });
  }

  #send(
    statement: Statement,
    options: QueryOptions,
    place: { readonly isControl?: boolean; readonly send?: CopySender | undefined } = {},
  ): Promise<DriverResult> {
    const { session, runner } = this.#state;
    // Savepoints are ended whether or not the caller has gone.
    const transaction = place.isControl === true ? undefined : this.#state.given;
    const { signal: own = transaction } = options;
    const signal = transaction === undefined || own === transaction
      ? own
      : AbortSignal.any([own!, transaction]);
    const { send } = place;
    return this.#after(() =>
      runner(session, statement, signal === options.signal ? options : { ...options, signal }, {
        isTransaction: true,
        ...(send === undefined ? {} : { send }),
      })
    );
  }

  /** Runs something when what was asked for before is done; remembers the first failure. */
  async #after<T>(fn: () => Promise<T>): Promise<T> {
    const state = this.#state;
    const before = state.tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    state.tail = promise;
    try {
      if (before !== undefined) await before;
      if (state.isOver) throw transactionClosed();
      return await fn();
    } catch (error) {
      state.failure ??= error;
      throw error;
    } finally {
      if (state.tail === promise) state.tail = undefined;
      resolve();
    }
  }
}
