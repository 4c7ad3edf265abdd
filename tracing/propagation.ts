// Trace context in headers (W3C Trace Context, level 1 and 2).

import type { SpanContext } from "../core/mod.ts";
import { type Baggage, formatBaggage } from "./baggage.ts";
import { formatTracestate, parseTracestate } from "./trace_state.ts";

const PARENT_REGEXP = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZERO_REGEXP = /^0+$/;
const TRACE_ID_LENGTH = 32;
const SPAN_ID_LENGTH = 16;
// A later version may be longer; how much is not said, so there is a bound of our own.
const MAX_LENGTH = 512;
// Sampled (level 1) and random (level 2); others have no meaning yet and must be 0 when sent.
const KNOWN_FLAGS = 0x03;

/** Whether a text is lower-case hex of a length, and not all zero; on the path of every span. */
function isId(text: string, length: number): boolean {
  if (text.length !== length) return false;
  let isZero = true;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && (code < 0x61 || code > 0x66)) return false;
    if (code !== 0x30) isZero = false;
  }
  return !isZero;
}

/**
 * Whether ids of a span context are well-formed and not all zero.
 *
 * @param context The context.
 */
export function isValidSpanContext(context: SpanContext): boolean {
  return isId(context.traceId, TRACE_ID_LENGTH) && isId(context.spanId, SPAN_ID_LENGTH);
}

/**
 * Reads the header `traceparent`.
 *
 * @param header Its value. A version above 00 is read as far as 00 goes.
 * @returns Undefined when it is bad: a new trace starts then.
 */
export function parseTraceparent(header: string): SpanContext | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const match = PARENT_REGEXP.exec(header.replace(/^[ \t]+|[ \t]+$/g, ""));
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZERO_REGEXP.test(traceId!) || ZERO_REGEXP.test(spanId!)) return undefined;
  const traceFlags = Number.parseInt(flags!, 16) & KNOWN_FLAGS;
  return { traceId: traceId!, spanId: spanId!, traceFlags };
}

/**
 * Writes the header `traceparent`, in version 00.
 *
 * @param context The span that becomes the parent.
 */
export function formatTraceparent(context: SpanContext): string {
  const flags = (context.traceFlags & KNOWN_FLAGS).toString(16).padStart(2, "0");
  return `00-${context.traceId}-${context.spanId}-${flags}`;
}

/**
 * Reads the span that a request or event comes from.
 *
 * @param get Gives a header by its lower-case name; several of one name joined by commas.
 * @returns Undefined when there is none or it is bad. A bad `tracestate` alone is left out.
 *
 * @example
 * ```ts
 * import { extract } from "@cq/cqi/tracing";
 * import assert from "node:assert/strict";
 *
 * const headers = new Headers({
 *   traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
 *   tracestate: "cq=1",
 * });
 * assert.deepEqual(extract((name) => headers.get(name)), {
 *   traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
 *   spanId: "00f067aa0ba902b7",
 *   traceFlags: 1,
 *   traceState: "cq=1",
 * });
 * ```
 */
export function extract(
  get: (name: string) => string | null | undefined,
): SpanContext | undefined {
  const header = get("traceparent");
  const context = header ? parseTraceparent(header) : undefined;
  if (context === undefined) return undefined;
  const state = parseTracestate(get("tracestate") ?? "");
  const text = state === undefined ? "" : formatTracestate(state);
  return text === "" ? context : { ...context, traceState: text };
}

/** What {@linkcode inject} writes besides the span. */
export interface InjectOptions {
  /** Values that travel along; they leave the service, so give them on purpose. @default {none} */
  readonly baggage?: Baggage;
}

/**
 * Writes the headers that tell another service which span a request or event comes from. Writes
 * nothing for a span that is not valid.
 *
 * @param context The span, usually `activeSpan()`.
 * @param set Sets a header by its lower-case name.
 * @param options Baggage.
 */
export function inject(
  context: SpanContext | undefined,
  set: (name: string, value: string) => void,
  options: InjectOptions = {},
): void {
  if (context !== undefined && isValidSpanContext(context)) {
    set("traceparent", formatTraceparent(context));
    const state = parseTracestate(context.traceState ?? "");
    if (state !== undefined) set("tracestate", formatTracestate(state));
  }
  const baggage = options.baggage === undefined ? "" : formatBaggage(options.baggage);
  if (baggage !== "") set("baggage", baggage);
}
