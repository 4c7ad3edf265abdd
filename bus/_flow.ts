import type { Gauge } from "../core/mod.ts";
import { type Lanes, lanes } from "./lanes.ts";
import type { Partition } from "./_partition.ts";

// How many times the bound of records may be held, with those that wait behind a key in retry, and
// how far one partition may be handled ahead of a record that is not done. All of that is tracked,
// and comes again after a crash.
const MAX_AHEAD = 10;

/** The work of one topic: bounded in number and bytes, side by side over keys. */
export interface Flow {
  readonly work: Lanes;
  /**
   * Takes room, or waits for it first.
   *
   * @param bytes Size of the record.
   * @param owner Its partition.
   * @returns False when the partition was given up meanwhile.
   */
  enter(
    bytes: number,
    owner: Pick<Partition, "marks" | "stopping">,
  ): boolean | Promise<boolean>;
  /** Gives the room back. */
  leave(bytes: number): void;
}

/** Makes the flow of a topic. */
export function flow(
  bounds: { readonly concurrency: number; readonly records: number; readonly bytes: number },
  inFlight: Gauge,
): Flow {
  let records = 0;
  let held = 0;
  let waiting: (() => void)[] = [];
  const most = MAX_AHEAD * bounds.records;
  const wake = (): void => {
    if (waiting.length === 0) return;
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const work = lanes(bounds.concurrency, wake);
  // What waits behind a key in retry leaves its place to others. One record always fits, however
  // large: max_message_bytes is another bound.
  const isFull = (bytes: number): boolean =>
    records - work.parked >= bounds.records || records >= most ||
    (records > 0 && held + bytes > bounds.bytes);

  const take = (bytes: number): true => {
    records++;
    held += bytes;
    inFlight.add(1);
    return true;
  };

  const waitFor = async (
    bytes: number,
    { marks, stopping: { draining } }: Pick<Partition, "marks" | "stopping">,
  ): Promise<boolean> => {
    while ((isFull(bytes) || marks.span >= most) && !draining.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      draining.addEventListener("abort", wake, { once: true });
      await promise;
      draining.removeEventListener("abort", wake);
    }
    return !draining.aborted && take(bytes);
  };

  return {
    work,
    enter(bytes, owner) {
      const { marks, stopping: { draining } } = owner;
      if (isFull(bytes) || marks.span >= most) return waitFor(bytes, owner);
      return !draining.aborted && take(bytes);
    },
    leave(bytes) {
      records--;
      held -= bytes;
      wake();
      inFlight.add(-1);
    },
  };
}
