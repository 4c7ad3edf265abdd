import { type Timer, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import type { Environment } from "./_environment.ts";
import { consumerOf } from "./_readers.ts";
import type { BusRecord } from "./driver.ts";

// A driver that cannot say where a log ends is taken to be there after this long without a record.
const IDLE_MS = 1500;

/**
 * Reads a topic from its earliest record to where it ended when the call was made.
 *
 * @param take Gets each record; the record is the driver's own and must not be changed.
 * @throws {CqiError} `CQI_BUS_UNAVAILABLE` when the end is not reached: nothing came for as long as
 * a publication may take.
 */
export async function readToEnd(
  env: Environment,
  topic: string,
  take: (record: BusRecord) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { clock, driver, settings } = env;
  const limitMs = settings.publishTimeoutMs;
  const bounded = <T>(fn: (inner: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(clock, limitMs, fn, { signal, error: () => unreadable(topic, limitMs) });
  await bounded((inner) => driver.ensureTopics([topic], { signal: inner }));
  const ranges = await bounded(async (inner) => await driver.ranges?.(topic, { signal: inner }));
  // What is still to be read: the last offset of each partition.
  const open = ranges && new Map(
    ranges.filter(({ start, end }) => end > start).map((each) => [each.partition, each.end - 1n]),
  );
  if (open?.size === 0) return;

  const end = Promise.withResolvers<void>();
  // It may fail before anybody waits for it.
  end.promise.catch(() => {});
  let idle: Timer | undefined;
  let trouble: unknown;
  const wait = (): void => {
    idle?.cancel();
    idle = clock.timer(
      () => open === undefined ? end.resolve() : end.reject(trouble ?? unreadable(topic, limitMs)),
      open === undefined ? IDLE_MS : limitMs,
    );
  };
  const onAbort = (): void => end.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  wait();
  try {
    const consuming = driver.consume({ group: undefined, topics: new Map([[topic, "earliest"]]) }, {
      records(records) {
        wait();
        for (const record of records) {
          const last = open?.get(record.partition);
          // Beyond the end are records that were written meanwhile.
          if (open === undefined || (last !== undefined && record.offset <= last)) take(record);
          if (last !== undefined && record.offset >= last) open!.delete(record.partition);
        }
        if (open?.size === 0) end.resolve();
        return Promise.resolve();
      },
      revoked: () => Promise.resolve(),
      state: (error) => void (trouble = error),
    });
    const error = () => unreadable(topic, limitMs);
    const consumer = await consumerOf(clock, consuming, { signal, limitMs, error });
    try {
      wait();
      await end.promise;
    } finally {
      await consumer.close();
    }
  } finally {
    idle?.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

function unreadable(topic: string, limitMs: number): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot read '${topic}' to its end: nothing came for ${limitMs} ms`,
  );
}
