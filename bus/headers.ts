import { CqiError } from "../errors/mod.ts";
import type { RecordToSend } from "./driver.ts";
import type { HeaderValue } from "./types.ts";

/**
 * Names of the record headers that this library writes. Attributes of CloudEvents 1.0 stand as in
 * its Kafka binding, binary mode (`ce_` and the name); the hop's trace stands unprefixed (W3C).
 */
export const HEADER: Readonly<
  Record<
    | "contentType"
    | "specVersion"
    | "id"
    | "source"
    | "type"
    | "time"
    | "dataSchema"
    | "partitionKey"
    | "correlationId"
    | "causationId"
    | "traceparent"
    | "tracestate"
    | "dlqReason"
    | "dlqError"
    | "dlqMessage"
    | "dlqAttempts"
    | "dlqTopic"
    | "dlqPartition"
    | "dlqOffset"
    | "dlqTimestamp"
    | "dlqGroup"
    | "dlqStackHash"
    | "dlqMark"
    | "dlqMarkOf"
    | "dlqMarkNote"
    | "replayCount"
    | "replayOf"
    | "replayGroup",
    string
  >
> = {
  contentType: "content-type",
  specVersion: "ce_specversion",
  id: "ce_id",
  source: "ce_source",
  type: "ce_type",
  time: "ce_time",
  dataSchema: "ce_dataschema",
  partitionKey: "ce_partitionkey",
  correlationId: "ce_correlationid",
  causationId: "ce_causationid",
  traceparent: "traceparent",
  tracestate: "tracestate",
  dlqReason: "cqc_dlq_reason",
  dlqError: "cqc_dlq_error",
  dlqMessage: "cqc_dlq_message",
  dlqAttempts: "cqc_dlq_attempts",
  dlqTopic: "cqc_dlq_original_topic",
  dlqPartition: "cqc_dlq_original_partition",
  dlqOffset: "cqc_dlq_original_offset",
  dlqTimestamp: "cqc_dlq_original_timestamp",
  dlqGroup: "cqc_dlq_group",
  dlqStackHash: "cqc_dlq_stack_hash",
  dlqMark: "cqc_dlq_mark",
  dlqMarkOf: "cqc_dlq_mark_of",
  dlqMarkNote: "cqc_dlq_mark_note",
  replayCount: "cqc_replay_count",
  replayOf: "cqc_replay_of",
  replayGroup: "cqc_replay_group",
};

const NAME_REGEXP = /^[a-z0-9._-]{1,128}$/;
const RESERVED_PREFIXES = ["ce_", "cqc_", "cqi-", "cqi_"];
const RESERVED = new Set<string>([
  HEADER.contentType,
  HEADER.traceparent,
  HEADER.tracestate,
  "baggage",
]);
const MAX_HEADERS = 64;
const MAX_VALUE = 8192;
const TOO_LONG = `a value of at most ${MAX_VALUE} bytes`;

/** Checks a caller's headers and gives them as entries. */
export function requireHeaders(
  headers: Readonly<Record<string, HeaderValue>> = {},
): [string, HeaderValue][] {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw refused("all", `at most ${MAX_HEADERS} headers, current number is ${entries.length}`);
  }
  for (const [name, value] of entries) {
    if (!NAME_REGEXP.test(name.slice(0, 129))) {
      throw refused(name, "a name of 1 to 128 characters of [a-z0-9._-]");
    }
    if (RESERVED.has(name) || RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      throw refused(name, "a name that this library does not write itself");
    }
    if (typeof value === "string") requireHeaderText(name, value);
    else if (!(value instanceof Uint8Array)) throw refused(name, "text or bytes as its value");
    else if (value.length > MAX_VALUE) throw refused(name, TOO_LONG);
  }
  return [...copyHeaders(entries)];
}

/** Checks text that becomes the value of a header, such as a key or an id, and gives it back. */
export function requireHeaderText(name: string, value: string): string {
  if (typeof value !== "string") throw refused(name, "text");
  if (utf8Length(value) > MAX_VALUE) throw refused(name, TOO_LONG);
  if (!isPrintable(value)) {
    throw refused(name, "text without control characters or lone surrogates; send bytes instead");
  }
  return value;
}

/** Whether text may travel on into logs and HTTP headers: no control characters, real UTF-8. */
export function isPrintable(text: string): boolean {
  // deno-lint-ignore no-control-regex -- finding them is the purpose
  return !/[\u0000-\u001f\u007f]/.test(text) && text.isWellFormed();
}

/** Bytes of a record as brokers count it: key, value, names and values of headers. */
export function sizeOf(
  record: Pick<RecordToSend, "key" | "value" | "headers">,
): number {
  let size = (record.value?.length ?? 0) + utf8Length(record.key ?? "");
  for (const [name, value] of record.headers) {
    size += name.length + (typeof value === "string" ? utf8Length(value) : value.length);
  }
  return size;
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}

function refused(name: string, wanted: string): CqiError {
  const shown = JSON.stringify(name.slice(0, 64));
  return new CqiError(
    "CQI_BUS_HEADER_INVALID",
    `Cannot send header ${shown}: it must be ${wanted}`,
    {
      details: { header: name.slice(0, 64) },
    },
  );
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The same headers in memory of their own. */
export function copyHeaders(
  headers: Iterable<readonly [string, HeaderValue]>,
): Map<string, HeaderValue> {
  const copy = new Map<string, HeaderValue>();
  for (const [name, value] of headers) {
    copy.set(name, typeof value === "string" ? value : value.slice());
  }
  return copy;
}

/** A header as text, or undefined when it is absent or not UTF-8. */
export function headerText(
  headers: ReadonlyMap<string, HeaderValue>,
  name: string,
): string | undefined {
  return textOf(headers.get(name));
}

/** The value of a header as text, or undefined when it is absent or not UTF-8. */
export function textOf(value: HeaderValue | undefined): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  try {
    return decoder.decode(value);
  } catch {
    return undefined;
  }
}
