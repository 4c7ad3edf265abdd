import type { Statement } from "./_texts.ts";
import { runTransaction, type TransactionEnv } from "./_transaction.ts";
import type { QueryOptions } from "./query_options.ts";
import type { DriverResult } from "./types.ts";

interface Baton {
  /** Whether the reader wants another batch. */
  readonly wanted: Promise<boolean>;
  readonly ask: (more: boolean) => void;
}

function baton(): Baton {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  return { wanted: promise, ask: resolve };
}

/**
 * Streams a query in a transaction of its own. The transaction's function and the reader take
 * turns, so that no more than one batch is in memory and leaving the loop ends the transaction.
 */
export async function* streamed(
  env: TransactionEnv,
  statement: Statement,
  options: QueryOptions,
  batchSize: number,
): AsyncIterableIterator<DriverResult> {
  let turn = baton();
  let delivered = Promise.withResolvers<DriverResult | undefined>();
  const work = runTransaction(env, async (_tx, scope) => {
    if (!await turn.wanted) return;
    for await (const batch of scope.batches(statement, options, batchSize)) {
      const next = baton();
      turn = next;
      delivered.resolve(batch);
      if (!await next.wanted) return;
    }
  }, options.signal === undefined ? {} : { signal: options.signal });
  // The reader hears of the end by the batch that it waits for, or by the next one it asks for. No
  // race with `work`: each would leave a reaction there, with its batch, until the end.
  let end: ((reader: typeof delivered) => void) | undefined;
  const over = (how: (reader: typeof delivered) => void): void => {
    end = how;
    how(delivered);
  };
  work.then(
    () => over((reader) => reader.resolve(undefined)),
    (error) => over((reader) => reader.reject(error)),
  );
  try {
    for (;;) {
      delivered = Promise.withResolvers();
      end?.(delivered);
      turn.ask(true);
      const batch = await delivered.promise;
      if (batch === undefined) return;
      yield batch;
    }
  } finally {
    turn.ask(false);
    await work.catch(() => {});
  }
}
