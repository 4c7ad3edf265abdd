/**
 * Core: the vocabulary that all parts share: clock, randomness, secrets, context, the interfaces of
 * logger, metrics and tracer, and the one middleware type.
 *
 * @example Wait, but not for ever
 * ```ts
 * import { sleep, systemClock, withDeadline } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const slow = (signal: AbortSignal) => sleep(systemClock, 60_000, { signal });
 * await assert.rejects(withDeadline(systemClock, 5, slow), { code: "CQI_DEADLINE_EXCEEDED" });
 * ```
 *
 * @module
 */
export { type Clock, sleep, type Timer, type TimerOptions, type WaitOptions } from "./clock.ts";
export {
  activeContext,
  type Context,
  type ContextKey,
  contextKey,
  runInContext,
} from "./context.ts";
export { type DeadlineOptions, withDeadline } from "./deadline.ts";
export type { DriverTable } from "./drivers.ts";
export {
  duration,
  type DurationFields,
  type DurationInput,
  durationMs,
  parseDuration,
  toMilliseconds,
} from "./duration.ts";
export type { Checkable, HealthReport, HealthStatus } from "./health.ts";
export { type Instruments, instruments, systemClock, systemRandom } from "./instruments.ts";
export {
  type Lazy,
  LOG_FIELDS,
  type LogFields,
  type Logger,
  type LogLevel,
  noopLogger,
} from "./logger.ts";
export {
  type BucketOptions,
  type Counter,
  type Family,
  type FamilyOptions,
  type Gauge,
  type Histogram,
  type MetricOptions,
  type Metrics,
  noopMetrics,
} from "./metrics.ts";
export {
  chain,
  compose,
  type FetchHandler,
  type HttpContext,
  type HttpHandler,
  type HttpMiddleware,
  type Middleware,
  type Next,
} from "./middleware.ts";
export { type Random, uuid, uuidFromName } from "./random.ts";
export { Secret } from "./secret.ts";
export type {
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaTypes,
} from "./standard_schema.ts";
export {
  ACTIVE_SPAN,
  activeSpan,
  type Attributes,
  type AttributeValue,
  noopTracer,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type Tracer,
} from "./tracer.ts";
