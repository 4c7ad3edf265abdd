import { activeContext, type Clock, runInContext, type Timer } from "../core/mod.ts";

/** Work that can be ended from outside. */
export interface Cuttable {
  /** Ends it, unless it is over. */
  cut(reason: unknown): void;
}

/** Ends what takes too long. */
export interface Deadlines {
  /** Work has begun. */
  add(work: Cuttable): void;
  /** Work is over. */
  delete(work: Cuttable): void;
}

/**
 * Watches over work of one time limit: what begins first is due first, so one timer does for all.
 *
 * @param limitMs Milliseconds; `Infinity` means no limit.
 * @param error Why work ends that takes longer.
 */
export function deadlines(
  clock: Clock,
  limitMs: number,
  error: () => unknown,
): Deadlines {
  const due = new Map<Cuttable, number>();
  let timer: Timer | undefined;
  let isIdling = false;
  // The timer is everybody's: it must not keep the context of the work that happened to need it.
  const home = activeContext();

  const expire = (): void => {
    timer = undefined;
    const now = clock.monotonic();
    const late: Cuttable[] = [];
    for (const [work, at] of due) {
      if (at > now) {
        timer = clock.timer(expire, at - now);
        break;
      }
      late.push(work);
    }
    for (const work of late) due.delete(work);
    for (const work of late) work.cut(error());
  };

  // The next piece of work often begins in the same moment, and takes the timer over.
  const idle = (): void => {
    isIdling = false;
    if (due.size > 0) return;
    timer?.cancel();
    timer = undefined;
  };

  return {
    add(work) {
      if (limitMs === Infinity) return;
      due.set(work, clock.monotonic() + limitMs);
      timer ??= runInContext(home, () => clock.timer(expire, limitMs));
    },
    delete(work) {
      if (!due.delete(work) || due.size > 0 || isIdling) return;
      isIdling = true;
      queueMicrotask(idle);
    },
  };
}
