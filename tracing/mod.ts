/**
 * Tracing: spans through OpenTelemetry's interface, made by hand and not by patching modules, so
 * they are the same on every runtime; and the headers that carry a trace from service to service.
 *
 * @example Trace
 * ```ts
 * import * as tracing from "@cq/cqi/tracing";
 * import * as memory from "@cq/cqi/tracing/memory";
 * import assert from "node:assert/strict";
 *
 * await using tracer = await tracing.open({ driver: "memory" }, {
 *   drivers: { memory: () => memory },
 * });
 * await tracer.span("rebalance", {}, async () => {
 *   await tracer.span("place order", { kind: "client" }, async () => {});
 * });
 * const [inner, outer] = tracer.spans();
 * assert.equal(inner?.parentSpanId, outer?.context.spanId);
 * ```
 *
 * @module
 */
export { activeBaggage, BAGGAGE, type Baggage, formatBaggage, parseBaggage } from "./baggage.ts";
export { middleware, type TracingMiddlewareOptions } from "./middleware.ts";
export { open, type TracingConfigInit } from "./open.ts";
export {
  extract,
  formatTraceparent,
  inject,
  type InjectOptions,
  isValidSpanContext,
  parseTraceparent,
} from "./propagation.ts";
export { formatTracestate, parseTracestate, type TraceStateMember } from "./trace_state.ts";
export type {
  FinishedEvent,
  FinishedSpan,
  OpenOptions,
  OpenTracer,
  ResolveSecret,
  TracerProviderLike,
  TracingDriver,
  TracingDriverModule,
  TracingEnv,
  TracingService,
} from "./types.ts";
