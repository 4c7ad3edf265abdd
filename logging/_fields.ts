// The fields of cqc.observability.v1.LogEntry that a caller may set, with the bounds of the
// contract: a value that does not fit goes under `attributes`, so that every line stays valid. A
// test compares this table with the contract.

const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;

/** Gives the JSON of a value that fits its field, or undefined. */
export type FieldJson = (value: unknown, text: (value: string) => string) => string | undefined;

function string(max: number): FieldJson {
  return (value, text) => {
    if (typeof value !== "string" || value === "" || value.length > max) return undefined;
    const json = text(value);
    // Escapes and redaction lengthen it; what is redacted must fit as well.
    return json.length <= max + 2 ? json : undefined;
  };
}

function integer(min: number, max: number): FieldJson {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
      ? String(value)
      : undefined;
}

function int64(value: unknown): string | undefined {
  if (typeof value === "bigint") {
    return value >= 0n && value <= INT64_MAX ? `"${value}"` : undefined;
  }
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && value >= 0 ? `"${value}"` : undefined;
  }
  if (typeof value !== "string" || !/^(?:0|[1-9]\d{0,18})$/.test(value)) return undefined;
  return int64(BigInt(value));
}

/** Fields that a caller's key of the same name is lifted to. */
export const LIFTED: Readonly<Record<string, FieldJson>> = {
  request_id: string(128),
  correlation_id: string(128),
  user_id: string(256),
  component: string(128),
  method: string(256),
  path: string(2048),
  status_code: integer(100, 599),
  duration_ms: (value) =>
    typeof value === "number" && value >= 0 && value < Infinity ? String(value) : undefined,
  event_id: string(128),
  topic: string(249),
  partition: integer(0, INT32_MAX),
  offset: int64,
};

/** Fields that the logger alone writes; a caller's key of the same name goes under `attributes`. */
export const RESERVED: readonly string[] = [
  "timestamp",
  "level",
  "message",
  "service_name",
  "service_version",
  "environment",
  "instance_id",
  "trace_id",
  "span_id",
  "trace_flags",
  "attributes",
];
