import type { core } from "../../mod.ts";

const EVERY_MS = 250;

/**
 * Shows a line on a terminal and keeps it up to date, until disposed of. The cursor waits at its
 * start, so that a log line is written over it and not behind it.
 */
export function showProgress(
  clock: core.Clock,
  write: (text: string) => void,
  line: () => string,
): Disposable {
  const show = (): core.Timer => {
    write(`\x1b[2K${line()}\r`);
    return clock.timer(() => timer = show(), EVERY_MS, { background: true });
  };
  let timer = show();
  return {
    [Symbol.dispose]() {
      timer.cancel();
      write("\x1b[2K\r");
    },
  };
}
