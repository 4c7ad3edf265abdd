import {
  type Context,
  context as otelContext,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext as OtelSpanContext,
  SpanKind as OtelKind,
  trace,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import {
  ACTIVE_SPAN,
  activeContext,
  activeSpan,
  type Clock,
  runInContext,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type Tracer,
} from "../core/mod.ts";
import { isValidSpanContext } from "./propagation.ts";
import { cleanAttributes, type Time, wrapSpan } from "./_span.ts";

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

function toOtel(context: SpanContext, isRemote: boolean): OtelSpanContext {
  const { traceId, spanId, traceFlags, traceState } = context;
  const base = { traceId, spanId, traceFlags, isRemote };
  return traceState === undefined ? base : { ...base, traceState: createTraceState(traceState) };
}

/** The context in which a span starts: a given parent, the active span, or OpenTelemetry's own. */
function parentContext(parent: SpanContext | null | undefined): Context {
  if (parent === null) return ROOT_CONTEXT;
  const known = parent ?? activeSpan();
  if (known === undefined) return otelContext.active();
  if (!isValidSpanContext(known)) return ROOT_CONTEXT;
  return trace.setSpanContext(otelContext.active(), toOtel(known, parent !== undefined));
}

/** Wall time at the start, and from there on by the clock that never jumps. */
function spanTime(clock: Clock): () => number {
  const start = clock.now();
  const base = clock.monotonic();
  return () => start + (clock.monotonic() - base);
}

const noTime: Time = () => undefined;

interface Started {
  readonly span: Span;
  readonly otel: OtelSpan;
}

function start(
  tracer: OtelTracer,
  clock: Clock | undefined,
  name: string,
  options: SpanOptions,
): Started {
  const { kind = "internal", attributes, links, parent } = options;
  const time = clock === undefined ? noTime : spanTime(clock);
  const startTime = time();
  const otel = tracer.startSpan(name, {
    kind: KINDS[kind],
    ...(attributes === undefined ? {} : { attributes: cleanAttributes(attributes) }),
    ...(links === undefined ? {} : { links: links.map(toLink) }),
    ...(startTime === undefined ? {} : { startTime }),
  }, parentContext(parent));
  return { span: wrapSpan(otel, time), otel };
}

const toLink = (context: SpanContext): Link => ({ context: toOtel(context, true) });

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}

/** Ends a span with what the work inside gives or throws. */
function finish<T>(span: Span, result: T): T {
  if (!isThenable(result)) {
    span.end();
    return result;
  }
  return result.then(
    (value) => {
      span.end();
      return value;
    },
    (error: unknown) => {
      span.fail(error);
      span.end();
      throw error;
    },
  ) as T;
}

/**
 * Makes a tracer of one of OpenTelemetry.
 *
 * @param tracer OpenTelemetry's.
 * @param clock Gives the times of spans; undefined leaves them to OpenTelemetry.
 */
export function wrapTracer(tracer: OtelTracer, clock: Clock | undefined): Tracer {
  return {
    start: (name, options = {}) => start(tracer, clock, name, options).span,
    span(name, options, fn) {
      const { span, otel } = start(tracer, clock, name, options);
      const work = (): ReturnType<typeof fn> => fn(span);
      try {
        // With no provider and no parent there is no span to be active.
        if (!otel.isRecording() && !isValidSpanContext(span.context)) return finish(span, work());
        // OpenTelemetry's own context too, so that what others instrument nests in ours.
        const inner = trace.setSpan(otelContext.active(), otel);
        const context = activeContext().with(ACTIVE_SPAN, span.context);
        return finish(span, runInContext(context, () => otelContext.with(inner, work)));
      } catch (error) {
        span.fail(error);
        span.end();
        throw error;
      }
    },
  };
}
