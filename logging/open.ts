import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { messageType, validate } from "../contracts/mod.ts";
import { type LogLevel, type Metrics, noopMetrics, systemClock } from "../core/mod.ts";
import { type LogConfig, LogConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { requireSection } from "../internal/options.ts";
import { consoleSink } from "./console_sink.ts";
import { LEVELS, Levels } from "./_levels.ts";
import { lineBuilder } from "./_line.ts";
import { type Core, createLogger } from "./_logger.ts";
import { EMPTY_PART } from "./_part.ts";
import { prettyLine } from "./_pretty.ts";
import { keyRules } from "./_redact.ts";
import { repeatLimit } from "./_repeat.ts";
import type { LogSink, LogThreshold, OpenLogger, OpenOptions } from "./types.ts";

/** A section of the configuration, as `open` takes it: `{}` has all defaults. */
export type LogConfigInit = MessageInitShape<typeof LogConfigSchema>;

const DEFAULT_LINE_BYTES = 262_144;
const MAX_TEXT = 16_384;

async function sinkOf(config: LogConfig, given: OpenOptions["sink"]): Promise<LogSink> {
  if (typeof given === "function") return await given(config);
  return given ?? consoleSink({ output: config.output === "stderr" ? "stderr" : "stdout" });
}

/** Counts lines by level and by whether the sink dropped them. */
function counters(
  metrics: Metrics,
  sink: LogSink,
): { count: (level: LogLevel) => void; stop: () => void } {
  const entries = metrics.counter({
    name: "log_entries_total",
    help: "Log lines written, by level",
    labels: ["level"],
  });
  const byLevel = Object.fromEntries(LEVELS.map((level) => [level, entries.with({ level })]));
  const dropped = metrics.counter({
    name: "log_dropped_total",
    help: "Log lines that the sink could not take",
  });
  let reported = 0;
  const stop = metrics.onCollect(() => {
    const now = sink.dropped ?? 0;
    dropped.add(Math.max(0, now - reported));
    reported = now;
  });
  return { count: (level) => byLevel[level]?.add(), stop };
}

function isPretty(config: LogConfig, sink: LogSink): boolean {
  if (config.format === "pretty") return true;
  return config.format !== "json" && sink.isTerminal === true;
}

/**
 * Opens a logger. Each line is one JSON object on one line, a valid
 * `cqc.observability.v1.LogEntry`: fields of that name are members of the line, all others stand
 * under `attributes`; fields of the active span and of the context are in it by themselves; and
 * nothing that looks like a secret is.
 *
 * Bounds: texts are cut at 16,384 UTF-16 units, objects at depth 8 and 128 entries, lines at
 * `max_line_bytes`.
 *
 * @param section Level, format, keys to redact; `{}` writes level info and above.
 * @param options Who writes, where to, and by which clock.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks a rule.
 */
export async function open(
  section: LogConfigInit = {},
  options: OpenOptions = {},
): Promise<OpenLogger> {
  const config = create(LogConfigSchema, requireSection("logging", section));
  validate(LogConfigSchema, config);
  const clock = options.clock ?? systemClock;
  const sink = await sinkOf(config, options.sink);
  const base = isFieldSet(config, LogConfigSchema.field.level) ? config.level : "info";
  const levels = new Levels(clock, base as LogThreshold, config.levels);
  const maxLine = config.maxLineBytes || DEFAULT_LINE_BYTES;
  const rules = {
    keys: keyRules(config.redactKeys),
    findMessage: options.findMessage ?? messageType,
    maxText: Math.min(MAX_TEXT, maxLine >> 2),
    maxValue: maxLine >> 1,
  };
  const lines = lineBuilder(options.service ?? { name: "unknown" }, clock, rules, maxLine);
  const pretty = isPretty(config, sink);
  const { count, stop } = counters(options.metrics ?? noopMetrics, sink);
  const emit = (level: LogLevel, line: string): void => {
    try {
      sink.write(pretty ? prettyLine(line, sink.hasColors === true) : line);
      count(level);
    } catch {
      // A sink of someone else's that breaks its promise must not break the caller.
    }
  };
  const repeats = config.maxEqualLinesPerSecond === 0
    ? undefined
    : repeatLimit(clock, config.maxEqualLinesPerSecond, (level, message, suppressed) =>
      emit(level, lines.line(level, message, EMPTY_PART, { suppressed })));
  const core: Core = { levels, lines, repeats, emit };
  return openLogger(core, sink, stop);
}

function openLogger(core: Core, sink: LogSink, stop: () => void): OpenLogger {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= (async () => {
      core.repeats?.close();
      core.levels.close();
      await sink.close();
      stop();
    })();
  return {
    ...createLogger(core),
    get level() {
      return core.levels.base;
    },
    setLevel: (level, { component, durationMs } = {}) =>
      core.levels.set(level, component, durationMs),
    flush: (options) => sink.flush(options),
    close,
    [Symbol.asyncDispose]: close,
  };
}
