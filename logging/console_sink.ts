import type { LogSink } from "./types.ts";

/** Settings of {@linkcode consoleSink}. */
export interface ConsoleSinkOptions {
  /** Which stream of the console. @default {"stdout"} */
  readonly output?: "stdout" | "stderr";
}

/**
 * A sink that hands lines to the runtime's console: for workers and browsers, which have nothing
 * else. The console keeps no queue of ours, so there is nothing to flush.
 *
 * @param options Which stream.
 */
export function consoleSink(options: ConsoleSinkOptions = {}): LogSink {
  // deno-lint-ignore no-console -- the one place where lines reach the console on purpose
  const write = options.output === "stderr" ? console.error : console.log;
  let closed = false;
  let dropped = 0;
  return {
    write(line) {
      try {
        if (closed) dropped++;
        else write(line);
      } catch {
        dropped++;
      }
    },
    flush: () => Promise.resolve(),
    close() {
      closed = true;
      return Promise.resolve();
    },
    get dropped() {
      return dropped;
    },
  };
}
