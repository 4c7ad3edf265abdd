import {
  type AttributeValue as OtelValue,
  type Span as OtelSpan,
  type SpanContext as OtelSpanContext,
  SpanStatusCode,
} from "@opentelemetry/api";
import type { Attributes, Span, SpanContext } from "../core/mod.ts";
import { isCqiError, messageOf } from "../errors/mod.ts";
import { redactSecrets } from "../internal/redact_secrets.ts";

/** Tells when something happens, in Unix milliseconds; undefined leaves it to the provider. */
export type Time = () => number | undefined;

type OtelAttributes = Record<string, OtelValue>;

// Shorter texts cannot hold what looks like a secret.
const SHORTEST_SECRET = 8;

function cleanText(text: string): string {
  return text.length < SHORTEST_SECRET ? text : redactSecrets(text);
}

/** Attributes as OpenTelemetry takes them: without undefined, and without secrets in texts. */
export function cleanAttributes(attributes: Attributes): OtelAttributes {
  const clean: OtelAttributes = {};
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (typeof value === "string") clean[name] = cleanText(value);
    else clean[name] = typeof value === "object" ? value.map(cleanText) : value;
  }
  return clean;
}

/** The vocabulary of core/ for what OpenTelemetry says of a span. */
export function toSpanContext(context: OtelSpanContext): SpanContext {
  const { traceId, spanId, traceFlags, traceState } = context;
  const text = traceState?.serialize();
  return text ? { traceId, spanId, traceFlags, traceState: text } : { traceId, spanId, traceFlags };
}

function read(error: unknown, key: string): string | undefined {
  try {
    const value = (error as Record<string, unknown> | null | undefined)?.[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The code of one of our errors, else the class; a hostile value must not reach the caller. */
function errorType(error: unknown): string {
  try {
    return isCqiError(error) ? error.code : read(error, "name") ?? "Error";
  } catch {
    return "Error";
  }
}

/** Wraps a span of OpenTelemetry. After its end nothing reaches it any more. */
export function wrapSpan(otel: OtelSpan, time: Time): Span {
  const context = toSpanContext(otel.spanContext());
  let ended = false;
  const isOn = (): boolean => !ended && otel.isRecording();
  return {
    context,
    set(attributes) {
      if (isOn()) otel.setAttributes(cleanAttributes(attributes));
    },
    event(name, attributes = {}) {
      if (isOn()) otel.addEvent(name, cleanAttributes(attributes), time());
    },
    fail(error) {
      if (!isOn()) return;
      const name = read(error, "name") ?? "Error";
      const message = cleanText(read(error, "message") ?? messageOf(error));
      const stack = read(error, "stack");
      // Attribute and event names of the semantic conventions, "Recording errors".
      otel.setAttribute("error.type", errorType(error));
      otel.setStatus({ code: SpanStatusCode.ERROR, message });
      otel.addEvent("exception", {
        "exception.type": name,
        "exception.message": message,
        ...(stack === undefined ? {} : { "exception.stacktrace": cleanText(stack) }),
      }, time());
    },
    end() {
      if (ended) return;
      ended = true;
      otel.end(time());
    },
  };
}
