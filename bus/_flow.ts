import type { Gauge } from "../core/mod.ts";
import { type Lanes, lanes } from "./lanes.ts";
import type { Partition } from "./_partition.ts";
import type { BusRecord } from "./driver.ts";

// How many times the bound of records one partition may be handled ahead of a record that is not
// done. All of it is tracked, and comes again after a crash.
const MAX_AHEAD = 10;

/** The work of one topic: bounded in number and bytes, side by side over keys. */
export interface Flow {
  readonly work: Lanes;
  /**
   * Waits for room and takes it.
   *
   * @returns False when the partition was given up meanwhile.
   */
  enter(record: BusRecord, owner: Pick<Partition, "marks" | "stopping">): Promise<boolean>;
  /** Gives the room back. */
  leave(record: BusRecord): void;
}

/** Makes the flow of a topic. */
export function flow(
  bounds: { readonly concurrency: number; readonly records: number; readonly bytes: number },
  inFlight: Gauge,
): Flow {
  let records = 0;
  let bytes = 0;
  let waiting: (() => void)[] = [];
  const sizeOf = (record: BusRecord): number => record.value?.length ?? 0;
  // One record always fits, however large: max_message_bytes is another bound.
  const full = (record: BusRecord): boolean =>
    records >= bounds.records || (records > 0 && bytes + sizeOf(record) > bounds.bytes);
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  return {
    work: lanes(bounds.concurrency),
    async enter(record, { marks, stopping: { draining: signal } }) {
      const ahead = (): boolean => marks.span >= MAX_AHEAD * bounds.records;
      while ((full(record) || ahead()) && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        signal.addEventListener("abort", wake, { once: true });
        await promise;
        signal.removeEventListener("abort", wake);
      }
      if (signal.aborted) return false;
      records++;
      bytes += sizeOf(record);
      inFlight.add(1);
      return true;
    },
    leave(record) {
      records--;
      bytes -= sizeOf(record);
      inFlight.add(-1);
      wake();
    },
  };
}
