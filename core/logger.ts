import { type ContextKey, contextKey } from "./context.ts";

/** Severity, lowest first. Their OpenTelemetry numbers are 1, 5, 9, 13, 17 and 21. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** What a line says besides its message; may be anything, it is made safe when written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A value, or a function that is called only when the line is written. */
export type Lazy<T> = T | (() => T);

/** Writes log lines. Never throws and never blocks the caller. */
export interface Logger {
  /**
   * Whether a line of this level would be written.
   *
   * @param level The level.
   */
  isEnabled(level: LogLevel): boolean;
  /**
   * Writes one line.
   *
   * @param level Severity.
   * @param message What happened, for people.
   * @param fields What else is known, for programs.
   */
  log(level: LogLevel, message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level trace. */
  trace(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level debug. */
  debug(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level info. */
  info(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level warn. */
  warn(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level error. */
  error(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /** Writes a line of level fatal. Does not end the process. */
  fatal(message: Lazy<string>, fields?: Lazy<LogFields>): void;
  /**
   * A logger whose lines carry these fields too.
   *
   * @param fields Added to each line; a line's own fields win.
   */
  child(fields: LogFields): Logger;
}

/** Fields that every line written inside a context carries: request id, event id, user. */
export const LOG_FIELDS: ContextKey<LogFields> = contextKey<LogFields>("log fields");

const nothing = (): void => {};

/** A logger that writes nothing: the default of everything that takes one. */
export const noopLogger: Logger = {
  isEnabled: () => false,
  log: nothing,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => noopLogger,
};
