import type { DescMessage } from "@bufbuild/protobuf";
import type { Clock, Logger, LogLevel, Metrics, WaitOptions } from "../core/mod.ts";
import type { LogConfig } from "../gen/ts/cqc/config/v1/mod.ts";

/**
 * Where lines go. A sink never throws and never blocks: what it cannot take it drops and counts.
 */
export interface LogSink {
  /**
   * Takes one line.
   *
   * @param line The line without its line break.
   */
  write(line: string): void;
  /**
   * Resolves when all that was taken so far is written, or dropped.
   *
   * @param options A signal that ends the wait.
   */
  flush(options?: WaitOptions): Promise<void>;
  /** Flushes and lets go of what it holds. Lines that come later are dropped. Idempotent. */
  close(): Promise<void>;
  /** True when people read it: format `auto` is pretty then. @default {false} */
  readonly isTerminal?: boolean;
  /** True when the terminal takes colours. @default {false} */
  readonly hasColors?: boolean;
  /** Lines dropped so far. Absent: the sink does not count. */
  readonly dropped?: number;
}

/** Who writes; stands in every line. */
export interface LogService {
  /** Name of the service, at most 100 characters. */
  readonly name: string;
  /** Version of the build. */
  readonly version?: string | undefined;
  /** For example `production`. */
  readonly environment?: string | undefined;
  /** Which of several running copies. */
  readonly instanceId?: string | undefined;
}

/** What a logger is opened with, besides its configuration. */
export interface OpenOptions {
  /** Who writes. @default {{ name: "unknown" }} */
  readonly service?: LogService;
  /**
   * Where lines go, or a function that makes it from the configuration. The logger closes it.
   *
   * @default {the console}
   */
  readonly sink?: LogSink | ((config: LogConfig) => LogSink | Promise<LogSink>);
  /** Gives the timestamps. @default {the system's} */
  readonly clock?: Clock;
  /** Where `log_entries_total` and `log_dropped_total` are kept. @default {nowhere} */
  readonly metrics?: Metrics;
  /**
   * Finds the descriptor of a protobuf message by its full name, so that fields marked
   * `debug_redact` are hidden; add your own messages here. @default {those of the contracts}
   */
  readonly findMessage?: (typeName: string) => DescMessage | undefined;
}

/** A severity, or `off` for none at all. */
export type LogThreshold = LogLevel | "off";

/** How a change of level is limited. */
export interface SetLevelOptions {
  /** Only lines of this component and those below it (`bus` covers `bus.kafka`). @default {all} */
  readonly component?: string;
  /** Milliseconds after which the level is as before. @default {for good} */
  readonly durationMs?: number;
}

/** A logger that was opened, and is closed by who opened it. */
export interface OpenLogger extends Logger, AsyncDisposable {
  /** Least severity that is written where no component says otherwise. */
  readonly level: LogThreshold;
  /**
   * Changes the level while running, for this logger and all its children.
   *
   * @param level The new least severity.
   * @param options For one component, or for a time.
   */
  setLevel(level: LogThreshold, options?: SetLevelOptions): void;
  /**
   * Resolves when all lines so far are written, or dropped.
   *
   * @param options A signal that ends the wait.
   */
  flush(options?: WaitOptions): Promise<void>;
  /** Flushes, closes the sink, and drops all later lines. Idempotent. */
  close(): Promise<void>;
}
