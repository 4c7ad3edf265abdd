import type { Clock, HttpMiddleware, Metrics } from "../core/mod.ts";
import { systemClock } from "../core/mod.ts";
import { CqiError, httpStatusOf } from "../errors/mod.ts";

/** Settings of {@linkcode httpMetrics}. */
export interface HttpMetricsOptions {
  /** Measures the duration. @default {the system's} */
  readonly clock?: Clock;
}

// RFC 9110 section 9 and RFC 5789; a client may send any other word.
const METHODS = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "CONNECT",
  "TRACE",
]);

/**
 * Counts and times requests by method, route template and status: `http_server_requests_total`,
 * `http_server_request_duration_seconds` and `http_server_in_flight_requests`. A request without a
 * route, and a method that HTTP does not know, count as `other`.
 *
 * @param metrics Where they are kept.
 * @param options Clock.
 *
 * @example
 * ```ts
 * import { compose } from "@cq/cqi/core";
 * import * as metrics from "@cq/cqi/metrics";
 * import * as prometheus from "@cq/cqi/metrics/prometheus";
 * import assert from "node:assert/strict";
 *
 * await using registry = await metrics.open({}, { drivers: { prometheus: () => prometheus } });
 * const handler = compose(metrics.httpMetrics(registry))(() => new Response("hello"));
 * await handler(new Request("http://localhost/positions/7"));
 *
 * const { body } = await registry.expose();
 * assert.match(body, /http_server_requests_total\{method="GET",route="other",status_code="200"\} 1/);
 * ```
 */
export function httpMetrics(metrics: Metrics, options: HttpMetricsOptions = {}): HttpMiddleware {
  const { clock = systemClock } = options;
  const labels = ["method", "route", "status_code"] as const;
  const requests = metrics.counter({
    name: "http_server_requests_total",
    help: "HTTP requests answered",
    labels,
  });
  const durations = metrics.histogram({
    name: "http_server_request_duration_seconds",
    help: "Time to answer an HTTP request",
    labels,
  });
  const inFlight = metrics.gauge({
    name: "http_server_in_flight_requests",
    help: "HTTP requests being answered",
  });
  return async (request, context, next) => {
    const start = clock.monotonic();
    const finish = (status: number): void => {
      const values = {
        method: METHODS.has(request.method) ? request.method : "other",
        route: context.route ?? "other",
        status_code: String(status),
      };
      requests.with(values).add();
      durations.with(values).observe(Math.max(0, clock.monotonic() - start) / 1000);
    };
    inFlight.add(1);
    try {
      const response = await next(request, context);
      finish(response.status);
      return response;
    } catch (error) {
      finish(httpStatusOf(CqiError.from(error).status));
      throw error;
    } finally {
      inFlight.add(-1);
    }
  };
}
