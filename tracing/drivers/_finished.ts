import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type SpanContext as OtelSpanContext, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { Attributes, SpanContext, SpanKind as Kind } from "../../core/mod.ts";
import type { FinishedSpan } from "../types.ts";

const SAMPLED = 1;
const KINDS: Readonly<Record<SpanKind, Kind>> = {
  [SpanKind.INTERNAL]: "internal",
  [SpanKind.SERVER]: "server",
  [SpanKind.CLIENT]: "client",
  [SpanKind.PRODUCER]: "producer",
  [SpanKind.CONSUMER]: "consumer",
};

function contextOf({ traceId, spanId, traceFlags, traceState }: OtelSpanContext): SpanContext {
  const text = traceState?.serialize();
  return text ? { traceId, spanId, traceFlags, traceState: text } : { traceId, spanId, traceFlags };
}

const milliseconds = ([seconds, nanos]: readonly [number, number]): number =>
  seconds * 1000 + nanos / 1e6;

/** Whether a span is to be kept: it was sampled, or it failed and failed ones are. */
export function isWanted(span: ReadableSpan, keepErrors: boolean): boolean {
  if ((span.spanContext().traceFlags & SAMPLED) !== 0) return true;
  return keepErrors && span.status.code === SpanStatusCode.ERROR;
}

/** A span of the SDK in our own words. */
export function finishedSpan(span: ReadableSpan): FinishedSpan {
  return {
    name: span.name,
    kind: KINDS[span.kind],
    context: contextOf(span.spanContext()),
    parentSpanId: span.parentSpanContext?.spanId,
    startMs: milliseconds(span.startTime),
    endMs: milliseconds(span.endTime),
    attributes: { ...span.attributes } as Attributes,
    events: span.events.map((event) => ({
      name: event.name,
      timeMs: milliseconds(event.time),
      attributes: { ...event.attributes } as Attributes,
    })),
    links: span.links.map((link) => contextOf(link.context)),
    failed: span.status.code === SpanStatusCode.ERROR,
    failure: span.status.message,
  };
}
