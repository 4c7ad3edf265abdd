import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** Why a value was given back: nobody took it, so it is neither handled nor failed. */
export const ABANDONED: CqiError = new CqiError("CQI_CLOSED", "Stream is closed");

interface Handed<T> {
  readonly value: T;
  readonly settle: PromiseWithResolvers<void>;
}

/**
 * Hands a value to the reader. Resolves when the reader asks for the next one; rejects when the
 * signal aborts or the stream closes first.
 */
export type Hand<T> = (value: T, signal?: AbortSignal) => Promise<void>;

/**
 * Starts what hands values over, and gives what ends it. The signal aborts when the stream is closed
 * before that: whoever closes must not wait for a broker that is away.
 */
export type Feed<T> = (
  hand: Hand<T>,
  signal: AbortSignal,
) => Promise<{ close(): Promise<void> }>;

/** A stream of values that are handed over one by one. */
export interface HandedStream<T> extends AsyncIterable<T>, AsyncDisposable {
  close(): Promise<void>;
  /**
   * Hands over no more. The reader may finish what it has: asking for the next one acknowledges it
   * and ends the loop.
   */
  finish(): void;
}

/**
 * Makes a stream; what feeds it starts at the first call of its iterator.
 *
 * @param start Starts the feed and gives what ends it.
 */
export function stream<T>(
  start: Feed<T>,
  { signal }: WaitOptions,
): HandedStream<T> {
  const handed: Handed<T>[] = [];
  let arrived = Promise.withResolvers<void>();
  let current: Handed<T> | undefined;
  let feed: Promise<{ close(): Promise<void> }> | undefined;
  let isFed = false;
  const leaving = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  let finishing = false;
  let turn: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const hand: Hand<T> = async (value, stop) => {
    if (closing !== undefined || finishing) throw ABANDONED;
    const entry = { value, settle: Promise.withResolvers<void>() };
    const onAbort = (): void => entry.settle.reject(stop?.reason);
    stop?.addEventListener("abort", onAbort, { once: true });
    handed.push(entry);
    arrived.resolve();
    try {
      await entry.settle.promise;
    } finally {
      stop?.removeEventListener("abort", onAbort);
      const index = handed.indexOf(entry);
      if (index >= 0) handed.splice(index, 1);
    }
  };

  const finish = (): void => {
    finishing = true;
    for (const entry of handed) entry.settle.reject(ABANDONED);
    arrived.resolve();
  };

  const close = (): Promise<void> => {
    closing ??= (async () => {
      signal?.removeEventListener("abort", onAbort);
      // Given up before the reader was done with it: not acknowledged.
      current?.settle.reject(ABANDONED);
      finish();
      if (!isFed) leaving.abort(ABANDONED);
      await (await feed?.catch(() => undefined))?.close();
    })();
    return closing;
  };
  // A failure to close is for those who close; here nobody waits for it.
  const onAbort = (): void => void close().catch(() => {});

  const begin = (): void => {
    signal?.addEventListener("abort", onAbort, { once: true });
    feed = start(hand, leaving.signal);
    feed.then(() => isFed = true, (error) => {
      signal?.removeEventListener("abort", onAbort);
      failure = { error };
      arrived.resolve();
    });
  };

  const step = async (): Promise<IteratorResult<T, undefined>> => {
    current?.settle.resolve();
    current = undefined;
    if (signal?.aborted || finishing) await close();
    else if (feed === undefined) begin();
    while (closing === undefined && !finishing && failure === undefined) {
      current = handed.shift();
      if (current !== undefined) return { done: false, value: current.value };
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
    if (failure !== undefined && !signal?.aborted && !finishing) throw failure.error;
    await close();
    return { done: true, value: undefined };
  };

  const iterator: AsyncIterator<T, undefined> = {
    // One after another, however many are asked for at once.
    next() {
      const result = turn.then(step);
      turn = result.catch(() => {});
      return result;
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator, close, finish, [Symbol.asyncDispose]: close };
}
