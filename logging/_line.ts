import {
  ACTIVE_SPAN,
  activeContext,
  type Clock,
  LOG_FIELDS,
  type LogFields,
  type LogLevel,
  type SpanContext,
} from "../core/mod.ts";
import { EMPTY_PART, type Part, PartWriter } from "./_part.ts";
import { quote } from "./_quote.ts";
import type { LogService } from "./types.ts";
import { textJson, type ValueRules } from "./_value.ts";

const SPAN_REGEXP = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID_REGEXP = /^(?!0{16})[0-9a-f]{16}$/;
// One UTF-16 unit is at most three bytes of UTF-8.
const MAX_BYTES_PER_UNIT = 3;
// A cut line's message: each unit may become an escape of six bytes.
const MAX_BYTES_PER_ESCAPE = 6;
const MAX_SERVICE_TEXT = 100;
const MAX_INSTANCE_TEXT = 253;
const MAX_CACHED_MESSAGES = 512;
const MAX_CACHED_LENGTH = 128;
const CUT_NOTE = ',"attributes":{"truncated":true}}';

/** Builds lines. */
export interface LineBuilder {
  /** Makes fields into JSON, to be kept by a child logger. */
  part(fields: LogFields): Part;
  /**
   * One line, without line break.
   *
   * @param level Severity.
   * @param message What happened.
   * @param bound Fields of the logger.
   * @param fields Fields of the line.
   */
  line(level: LogLevel, message: string, bound: Part, fields: LogFields | undefined): string;
}

function serviceJson(service: LogService): string {
  const member = (key: string, value: string | undefined, max: number): string =>
    value === undefined || value === "" ? "" : `,"${key}":${quote(value.slice(0, max))}`;
  return member("service_name", service.name || "unknown", MAX_SERVICE_TEXT) +
    member("service_version", service.version, MAX_SERVICE_TEXT) +
    member("environment", service.environment, MAX_SERVICE_TEXT) +
    member("instance_id", service.instanceId, MAX_INSTANCE_TEXT);
}

/** RFC 3339 text of the clock's time, in UTC; keeps the part that changes once a second. */
function timestamps(clock: Clock): () => string {
  let second = NaN;
  let prefix = "";
  return () => {
    const now = clock.now();
    const nowSecond = Math.floor(now / 1000);
    if (nowSecond !== second) {
      prefix = new Date(nowSecond * 1000).toISOString().slice(0, 20);
      second = nowSecond;
    }
    const ms = Math.floor(now - nowSecond * 1000);
    return prefix + (ms < 10 ? "00" : ms < 100 ? "0" : "") + ms;
  };
}

/** The ids of a span as members; the last span's text is kept, most lines have the same. */
function spanTexts(): (span: SpanContext | undefined) => string {
  let last: SpanContext | undefined;
  let text = "";
  return (span) => {
    if (span === last) return text;
    last = span;
    text = "";
    if (span !== undefined && SPAN_REGEXP.test(span.traceId) && SPAN_ID_REGEXP.test(span.spanId)) {
      const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
      text = `,"trace_id":"${span.traceId}","span_id":"${span.spanId}","trace_flags":"${flags}"`;
    }
    return text;
  };
}

/** JSON of messages; constant ones, which most are, are made once. */
function messageTexts(maxText: number): (message: string) => string {
  const known = new Map<string, string>();
  return (message) => {
    const found = known.get(message);
    if (found !== undefined) return found;
    const json = textJson(message, maxText);
    if (message.length <= MAX_CACHED_LENGTH && known.size < MAX_CACHED_MESSAGES) {
      known.set(message, json);
    }
    return json;
  };
}

const utf8 = new TextEncoder();

/** Whether a text is longer than a number of bytes in UTF-8. */
function isLonger(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * MAX_BYTES_PER_UNIT > bytes && utf8.encode(text).length > bytes;
}

/**
 * Makes the builder of a logger and its children.
 *
 * @param service Who writes.
 * @param clock Gives the timestamps.
 * @param rules Secrets and bounds.
 * @param maxLineBytes Longest line in bytes of UTF-8.
 */
export function lineBuilder(
  service: LogService,
  clock: Clock,
  rules: ValueRules,
  maxLineBytes: number,
): LineBuilder {
  const writer = new PartWriter(rules);
  const serviceText = serviceJson(service);
  const timestamp = timestamps(clock);
  const spanText = spanTexts();
  const messageText = messageTexts(rules.maxText);
  // Context fields are one object for all lines of a request.
  const contexts = new WeakMap<object, Part>();

  const contextPart = (fields: LogFields | undefined): Part => {
    if (fields === undefined) return EMPTY_PART;
    const known = contexts.get(fields);
    if (known !== undefined) return known;
    const part = safePart(writer, fields);
    contexts.set(fields, part);
    return part;
  };

  return {
    part: (fields) => writer.part(fields),
    line(level, message, bound, fields) {
      const context = activeContext();
      const ambient = contextPart(context.get(LOG_FIELDS));
      const head = `{"timestamp":"${timestamp()}Z","level":"${level}","message":`;
      const ids = serviceText + spanText(context.get(ACTIVE_SPAN));
      const { top, attributes } = join(writer, ambient, bound, fields);
      const tail = attributes === "" ? "}" : `,"attributes":{${attributes.slice(1)}}}`;
      const line = head + messageText(message) + ids + top + tail;
      if (!isLonger(line, maxLineBytes)) return line;
      const room = maxLineBytes - head.length - utf8.encode(ids).length - CUT_NOTE.length;
      const units = Math.max(0, Math.floor(room / MAX_BYTES_PER_ESCAPE) - MAX_BYTES_PER_ESCAPE * 8);
      return head + textJson(message, units) + ids + CUT_NOTE;
    },
  };
}

function safePart(writer: PartWriter, fields: LogFields): Part {
  try {
    return writer.part(fields);
  } catch {
    return EMPTY_PART;
  }
}

const hasAny = (keys: ReadonlySet<string>, others: Iterable<string>): boolean => {
  for (const key of others) if (keys.has(key)) return true;
  return false;
};

/** Context, logger and line fields in one; of equal names the later of these wins. */
function join(
  writer: PartWriter,
  ambient: Part,
  bound: Part,
  fields: LogFields | undefined,
): { top: string; attributes: string } {
  const keys = fields === undefined ? [] : Object.keys(fields);
  const clash =
    (ambient.keys.size > 0 && bound.keys.size > 0 && hasAny(ambient.keys, bound.keys)) ||
    (bound.keys.size > 0 && hasAny(bound.keys, keys)) ||
    (ambient.keys.size > 0 && hasAny(ambient.keys, keys));
  if (clash) {
    // Property by property, for a getter that throws would spoil a spread.
    const merged: Record<string, unknown> = Object.create(null);
    for (const source of [ambient.fields, bound.fields, fields ?? {}]) {
      for (const key of Object.keys(source)) copy(merged, source, key);
    }
    return writer.write(merged, Object.keys(merged));
  }
  const own = fields === undefined ? EMPTY_PART : writer.write(fields, keys);
  return {
    top: ambient.top + bound.top + own.top,
    attributes: ambient.attributes + bound.attributes + own.attributes,
  };
}

function copy(target: Record<string, unknown>, source: LogFields, key: string): void {
  try {
    const value = source[key];
    if (value !== undefined) target[key] = value;
  } catch {
    target[key] = "[unreadable]";
  }
}
