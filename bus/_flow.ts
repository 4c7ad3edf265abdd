import type { Gauge } from "../core/mod.ts";
import { type Lanes, lanes } from "./lanes.ts";
import type { BusRecord } from "./driver.ts";

/** The work of one topic: bounded in number and bytes, side by side over keys. */
export interface Flow {
  readonly work: Lanes;
  /**
   * Waits for room and takes it.
   *
   * @returns False when the signal ended the wait.
   */
  enter(record: BusRecord, signal: AbortSignal): Promise<boolean>;
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
    async enter(record, signal) {
      while (full(record) && !signal.aborted) {
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
