import type { Logger } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Scope } from "./_scope.ts";
import type { Database } from "./database.ts";
import type { Transaction, TransactionOptions } from "./transaction.ts";

/** What the library's own code may do with a database beyond the public interface. */
export interface Engine {
  /** A transaction whose scope can run scripts. */
  transaction<T>(
    fn: (tx: Transaction, scope: Scope) => T | Promise<T>,
    options: TransactionOptions,
  ): Promise<T>;
  /** Where what was done is logged. */
  readonly logger: Logger;
  /** Throws inside one of the database's own transactions. */
  guard(): void;
}

const ENGINE = Symbol.for("@cq/cqi/database/engine");

/** Hangs the engine on a database, out of sight. */
export function exposeEngine(db: Database, engine: Engine): void {
  Object.defineProperty(db, ENGINE, { value: engine });
}

/** The engine of a database that `open` made. */
export function engineOf(db: Database): Engine {
  const engine = (db as unknown as Record<symbol, unknown>)[ENGINE];
  if (engine !== undefined) return engine as Engine;
  throw new CqiError(
    "CQI_OPTION_INVALID",
    "Cannot use this database here: it must be the one that 'open' gave, not a copy or a wrapper",
  );
}
