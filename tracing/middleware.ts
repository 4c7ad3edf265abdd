import { trace } from "@opentelemetry/api";
import {
  ACTIVE_SPAN,
  activeContext,
  type Attributes,
  type HttpContext,
  type HttpMiddleware,
  runInContext,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
} from "../core/mod.ts";
import { BAGGAGE, type Baggage, parseBaggage } from "./baggage.ts";
import { extract } from "./propagation.ts";
import { wrapSpan } from "./_span.ts";
import type { OpenTracer } from "./types.ts";

/** Settings of {@linkcode middleware}. */
export interface TracingMiddlewareOptions {
  /**
   * What becomes of the caller's span: `follow` makes it the parent and takes its sampling
   * decision, `link` starts a new trace that points at it, `ignore` knows nothing of it. Strangers
   * can set the header: `link` where they can reach the service. @default {"follow"}
   */
  readonly incoming?: "follow" | "link" | "ignore";
  /**
   * Key of the baggage that keeps a trace whatever the sampling says, such as `debug`. Only with
   * `follow`. @default {none}
   */
  readonly debugKey?: string;
}

const SERVER_ERROR = 500;
// Methods that HTTP knows (RFC 9110, RFC 5789); the conventions want others as _OTHER.
const METHOD_REGEXP = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE)$/;

/** Attributes of the semantic conventions for HTTP servers, version 1.45; no query, no ids. */
function attributesOf(request: Request, context: HttpContext): Attributes {
  const url = new URL(request.url);
  const isKnown = METHOD_REGEXP.test(request.method);
  return {
    "http.request.method": isKnown ? request.method : "_OTHER",
    "http.request.method_original": isKnown ? undefined : request.method.slice(0, 32),
    "http.route": context.route,
    "url.scheme": url.protocol.slice(0, -1),
    "url.path": url.pathname,
    "server.address": url.hostname,
    "server.port": url.port === "" ? undefined : Number(url.port),
    "user_agent.original": request.headers.get("user-agent") ?? undefined,
  };
}

const nameOf = (request: Request, context: HttpContext): string => {
  const method = METHOD_REGEXP.test(request.method) ? request.method : "HTTP";
  return context.route === undefined ? method : `${method} ${context.route}`;
};

function originOf(
  incoming: TracingMiddlewareOptions["incoming"],
  caller: SpanContext | undefined,
): SpanOptions {
  if (incoming === "ignore") return { parent: null };
  if (incoming === "link") return { parent: null, ...(caller ? { links: [caller] } : {}) };
  return caller === undefined ? {} : { parent: caller };
}

/** The span of a server that OpenTelemetry's own instrumentation has made for this request. */
function foreignSpan(tracer: Tracer): Span | undefined {
  if ((tracer as Partial<OpenTracer>).driver !== "none") return undefined;
  const otel = trace.getActiveSpan();
  // Ended by who made it.
  return otel?.isRecording() === true
    ? { ...wrapSpan(otel, () => undefined), end() {} }
    : undefined;
}

async function answer(span: Span, next: () => Promise<Response>): Promise<Response> {
  const response = await next();
  const { status } = response;
  const isFailure = status >= SERVER_ERROR;
  // Nothing was thrown, so there is no stack to show.
  if (isFailure) span.fail({ name: "HttpError", message: `Answered ${status}` });
  span.set({
    "http.response.status_code": status,
    "error.type": isFailure ? String(status) : undefined,
  });
  return response;
}

/**
 * Makes a server span for each request, as part of the caller's trace, named by method and route
 * template. Where the runtime has made one already (Deno with `OTEL_DENO=true`) it adds to that
 * one instead.
 *
 * @param tracer Makes the spans.
 * @param options What becomes of the caller's span.
 *
 * @example
 * ```ts
 * import { compose } from "@cq/cqi/core";
 * import * as tracing from "@cq/cqi/tracing";
 * import * as memory from "@cq/cqi/tracing/memory";
 * import assert from "node:assert/strict";
 *
 * await using tracer = await tracing.open({ driver: "memory" }, {
 *   drivers: { memory: () => memory },
 * });
 * const handler = compose(tracing.middleware(tracer))(() => new Response("hello"));
 * await handler(new Request("http://localhost/", {
 *   headers: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
 * }));
 * assert.equal(tracer.spans()[0]?.parentSpanId, "00f067aa0ba902b7");
 * ```
 */
export function middleware(
  tracer: Tracer,
  options: TracingMiddlewareOptions = {},
): HttpMiddleware {
  const { incoming = "follow", debugKey } = options;
  return (request, context, next) => {
    const get = (name: string): string | null => request.headers.get(name);
    const baggage: Baggage = incoming === "follow" ? parseBaggage(get("baggage") ?? "") : new Map();
    const attributes = attributesOf(request, context);
    const ambient = activeContext().with(BAGGAGE, baggage);
    const foreign = foreignSpan(tracer);
    if (foreign !== undefined) {
      foreign.set({ "http.route": context.route });
      const inner = ambient.with(ACTIVE_SPAN, foreign.context);
      return runInContext(inner, () => answer(foreign, () => next(request, context)));
    }
    const isForced = debugKey !== undefined && baggage.has(debugKey);
    const spanOptions: SpanOptions = {
      ...originOf(incoming, extract(get)),
      kind: "server",
      attributes: isForced ? { ...attributes, "sampling.priority": 1 } : attributes,
    };
    const name = nameOf(request, context);
    return runInContext(
      ambient,
      () => tracer.span(name, spanOptions, (span) => answer(span, () => next(request, context))),
    );
  };
}
