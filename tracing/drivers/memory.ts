/**
 * Driver `memory` of `@cq/cqi/tracing`: keeps finished spans in the process, for tests and for a
 * look at the last ones. Needs the package `@opentelemetry/sdk-trace`.
 *
 * @example
 * ```ts
 * import * as tracing from "@cq/cqi/tracing";
 * import * as memory from "@cq/cqi/tracing/memory";
 * import assert from "node:assert/strict";
 *
 * await using tracer = await tracing.open({ driver: "memory" }, {
 *   drivers: { memory: () => memory },
 * });
 * await tracer.span("place order", { kind: "client" }, (span) => {
 *   span.set({ "cq.venue": "binance" });
 *   return Promise.resolve();
 * });
 * const [span] = tracer.spans();
 * assert.equal(span?.name, "place order");
 * assert.deepEqual(span?.attributes, { "cq.venue": "binance" });
 * ```
 *
 * @module
 */
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { FinishedSpan, TracingDriver, TracingEnv } from "../types.ts";
import { finishedSpan, isWanted } from "./_finished.ts";
import { createProvider, keepsErrors } from "./_provider.ts";

const MAX_SPANS = 10_000;

/**
 * Makes the driver.
 *
 * @param config Sampling, limits, and how many spans are kept; the oldest go first.
 * @param env Service and randomness.
 */
export function createDriver(config: TracingConfig, env: TracingEnv): TracingDriver {
  const max = config.memory?.maxSpans || MAX_SPANS;
  const keepErrors = keepsErrors(config);
  let spans: FinishedSpan[] = [];
  let closed = false;
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      if (closed || !isWanted(span, keepErrors)) return;
      spans.push(finishedSpan(span));
      // Twice as many before the old half goes, so that a full store costs no copy a span.
      if (spans.length >= 2 * max) spans = spans.slice(-max);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  return {
    provider: createProvider(config, env, processor),
    spans: () => spans.slice(-max),
    flush: () => Promise.resolve(),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}
