import type { Lazy, LogFields, Logger, LogLevel } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { shapeOf } from "../internal/options.ts";
import { isError } from "./_error.ts";
import { LEVELS, type Levels, RANK } from "./_levels.ts";
import type { LineBuilder } from "./_line.ts";
import { EMPTY_PART, type Part } from "./_part.ts";
import type { RepeatLimit } from "./_repeat.ts";

/** What a logger and its children share. */
export interface Core {
  /** Their levels. */
  readonly levels: Levels;
  /** Builds their lines. */
  readonly lines: LineBuilder;
  /** Holds equal lines back; undefined lets all pass. */
  readonly repeats: RepeatLimit | undefined;
  /** Takes each line. */
  emit(level: LogLevel, line: string): void;
}

/** The value behind a lazy one. A function that throws must not reach the caller of the logger. */
function force<T>(value: Lazy<T>, fallback: (error: unknown) => T): T {
  if (typeof value !== "function") return value;
  try {
    return (value as () => T)();
  } catch (error) {
    return fallback(error);
  }
}

function fieldsOf(fields: Lazy<LogFields> | undefined): LogFields | undefined {
  const value: unknown = force<LogFields | undefined>(fields, (error) => ({ fields_error: error }));
  // From callers without types: an error in place of the fields is what they meant by it.
  if (value instanceof Error) return { error: value };
  return typeof value === "object" && value !== null ? value as LogFields : undefined;
}

function messageText(message: Lazy<string>): string {
  const text: unknown = force(message, (error) => `[message failed: ${messageOf(error)}]`);
  if (typeof text === "string") return text;
  // From callers without types.
  return isError(text) ? messageOf(text) : `[message is ${shapeOf(text)}]`;
}

/**
 * Makes a logger of a set that shares one core.
 *
 * @param core What they share.
 * @param bound Fields of this one.
 */
export function createLogger(core: Core, bound: Part = EMPTY_PART): Logger {
  const name = bound.fields.component;
  const component = typeof name === "string" ? name : undefined;
  let version = core.levels.version;
  let least = core.levels.rank(component);

  const isOn = (rank: number): boolean => {
    if (version !== core.levels.version) {
      version = core.levels.version;
      least = core.levels.rank(component);
    }
    return rank >= least;
  };
  const write = (level: LogLevel, message: Lazy<string>, fields?: Lazy<LogFields>): void => {
    const text = messageText(message);
    if (core.repeats?.admit(level, text) === false) return;
    core.emit(level, lineOf(core, level, text, bound, fields));
  };
  type Write = (message: Lazy<string>, fields?: Lazy<LogFields>) => void;
  const at = (level: LogLevel): Write => {
    const rank = RANK[level];
    return (message, fields) => {
      if (isOn(rank)) write(level, message, fields);
    };
  };
  const [trace, debug, info, warn, error, fatal] = LEVELS.map(at) as [
    Write,
    Write,
    Write,
    Write,
    Write,
    Write,
  ];
  return {
    isEnabled: (level) => isOn(RANK[level]),
    log(level, message, fields) {
      if (isOn(RANK[level])) write(level, message, fields);
    },
    trace,
    debug,
    info,
    warn,
    error,
    fatal,
    child: (fields) => createLogger(core, merge(core, bound, fields)),
  };
}

function lineOf(
  core: Core,
  level: LogLevel,
  message: string,
  bound: Part,
  fields: Lazy<LogFields> | undefined,
): string {
  try {
    return core.lines.line(level, message, bound, fieldsOf(fields));
  } catch (error) {
    // Fields that cannot even be listed: say so rather than lose the line.
    return core.lines.line(level, message, bound, { log_error: messageOf(error) });
  }
}

function merge(core: Core, bound: Part, fields: LogFields): Part {
  try {
    return core.lines.part({ ...bound.fields, ...fields });
  } catch {
    return bound;
  }
}
