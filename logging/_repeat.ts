import type { Clock, LogLevel, Timer } from "../core/mod.ts";

const WINDOW_MS = 1000;
const MAX_KEYS = 1000;

interface Seen {
  readonly level: LogLevel;
  readonly message: string;
  count: number;
  suppressed: number;
}

/** Holds equal lines back. */
export interface RepeatLimit {
  /** Whether a line may be written; counts it when not. */
  admit(level: LogLevel, message: string): boolean;
  /** Reports what is held back, and stops. */
  close(): void;
}

/**
 * Lets so many lines of one level and message pass each second, and then reports in one line how
 * many more there were.
 *
 * @param clock Measures the second.
 * @param perSecond Lines that pass.
 * @param report Writes the line that says how many were suppressed.
 */
export function repeatLimit(
  clock: Clock,
  perSecond: number,
  report: (level: LogLevel, message: string, suppressed: number) => void,
): RepeatLimit {
  const seen = new Map<string, Seen>();
  let timer: Timer | undefined;
  let closed = false;

  const endWindow = (): void => {
    timer = undefined;
    const all = [...seen.values()];
    seen.clear();
    for (const { level, message, suppressed } of all) {
      if (suppressed > 0) report(level, message, suppressed);
    }
  };
  return {
    admit(level, message) {
      if (closed) return true;
      timer ??= clock.timer(endWindow, WINDOW_MS, { background: true });
      const key = `${level} ${message}`;
      const entry = seen.get(key);
      if (entry === undefined) {
        // Beyond so many different messages a second, equal ones are not looked for.
        if (seen.size < MAX_KEYS) seen.set(key, { level, message, count: 1, suppressed: 0 });
        return true;
      }
      if (entry.count < perSecond) {
        entry.count++;
        return true;
      }
      entry.suppressed++;
      return false;
    },
    close() {
      closed = true;
      timer?.cancel();
      endWindow();
    },
  };
}
