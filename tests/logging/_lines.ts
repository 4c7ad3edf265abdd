import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { validate } from "../../contracts/mod.ts";
import { type LogEntry, LogEntrySchema } from "../../gen/ts/cqc/observability/v1/mod.ts";
import { type LogConfigInit, open, type OpenLogger, type OpenOptions } from "../../logging/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

/** A logger and what it wrote. */
export interface Recorded {
  readonly log: OpenLogger;
  readonly lines: string[];
  /** The last line, parsed. */
  last(): Record<string, unknown>;
}

export async function recorded(
  section: LogConfigInit = {},
  options: OpenOptions = {},
): Promise<Recorded> {
  const lines: string[] = [];
  const sink = {
    write: (line: string) => void lines.push(line),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const log = await open(section, {
    service: { name: "cqpm" },
    clock: fakeClock(),
    sink,
    ...options,
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) };
}

/** Parses a line as the contract's LogEntry, refusing unknown fields and broken rules. */
export function entryOf(line: string): LogEntry {
  const entry = fromJson(LogEntrySchema, JSON.parse(line) as JsonValue);
  validate(LogEntrySchema, entry);
  return entry;
}
