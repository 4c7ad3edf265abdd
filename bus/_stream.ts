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

/** A stream of values that are handed over one by one. */
export interface HandedStream<T> extends AsyncIterable<T>, AsyncDisposable {
  close(): Promise<void>;
}

/**
 * Makes a stream; what feeds it starts at the first call of its iterator.
 *
 * @param start Starts the feed and gives what ends it.
 */
export function stream<T>(
  start: (hand: Hand<T>) => Promise<{ close(): Promise<void> }>,
  { signal }: WaitOptions,
): HandedStream<T> {
  const handed: Handed<T>[] = [];
  let arrived = Promise.withResolvers<void>();
  let current: Handed<T> | undefined;
  let feed: Promise<{ close(): Promise<void> }> | undefined;
  let failure: unknown;
  let closing: Promise<void> | undefined;

  const hand: Hand<T> = async (value, stop) => {
    if (closing !== undefined) throw ABANDONED;
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

  const close = (): Promise<void> => {
    closing ??= (async () => {
      signal?.removeEventListener("abort", onAbort);
      // Given up before the reader was done with it: not acknowledged.
      current?.settle.reject(ABANDONED);
      for (const entry of handed) entry.settle.reject(ABANDONED);
      arrived.resolve();
      await (await feed?.catch(() => undefined))?.close();
    })();
    return closing;
  };
  const onAbort = (): void => void close();

  const next = async (): Promise<IteratorResult<T, undefined>> => {
    current?.settle.resolve();
    current = undefined;
    if (signal?.aborted) await close();
    if (closing === undefined && feed === undefined) {
      signal?.addEventListener("abort", onAbort, { once: true });
      feed = start(hand);
      feed.catch((error) => {
        failure = error;
        arrived.resolve();
      });
    }
    while (closing === undefined && failure === undefined) {
      current = handed.shift();
      if (current !== undefined) return { done: false, value: current.value };
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
    if (failure !== undefined) throw failure;
    await closing;
    return { done: true, value: undefined };
  };

  const iterator: AsyncIterator<T, undefined> = {
    next,
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator, close, [Symbol.asyncDispose]: close };
}
