import {
  activeContext,
  compose,
  type FetchHandler,
  type HttpHandler,
  type HttpMiddleware,
  type Instruments,
  LOG_FIELDS,
  runInContext,
  uuid,
} from "../core/mod.ts";
import { isCqiError, problemResponse } from "../errors/mod.ts";
import type { Health } from "../health/mod.ts";
import { accessLog } from "../logging/mod.ts";
import { httpMetrics, type MetricsRegistry } from "../metrics/mod.ts";
import { middleware as httpTracing } from "../tracing/mod.ts";
import { bodyLimit, requestDeadline } from "./_limits.ts";
import type { Settings } from "./_settings.ts";

// What a log, a header and an operator's search field can take (RFC 9110 tokens, less quotes).
const REQUEST_ID_REGEXP = /^[A-Za-z0-9._:-]{1,128}$/;

/** Takes a sane request id over or makes one, and gives it back in the answer. */
export function requestId(given: Pick<Instruments, "clock" | "random">): HttpMiddleware {
  return async (request, context, next) => {
    const sent = request.headers.get("x-request-id");
    const id = sent !== null && sent.length <= 128 && REQUEST_ID_REGEXP.test(sent)
      ? sent
      : uuid(given.clock, given.random);
    const fields = { ...activeContext().get(LOG_FIELDS), request_id: id };
    const response = await runInContext(
      activeContext().with(LOG_FIELDS, fields),
      () => next(request, { ...context, requestId: id }),
    );
    // Headers of a response that came from fetch cannot be changed.
    const headers = new Headers(response.headers);
    headers.set("x-request-id", id);
    return new Response(response.body, { status: response.status, headers });
  };
}

/** Answers what a handler throws with a problem document, and logs what is our own fault. */
export function recover({ logger }: Pick<Instruments, "logger">): HttpMiddleware {
  return async (request, context, next) => {
    try {
      return await next(request, context);
    } catch (error) {
      const response = problemResponse(
        error,
        context.requestId === undefined ? {} : { requestId: context.requestId },
      );
      const level = response.status >= 500 ? "error" : "debug";
      logger.log(level, "Request failed", {
        component: "http",
        code: isCqiError(error) ? error.code : undefined,
        error,
      });
      return response;
    }
  };
}

/**
 * The layers that every request of a service passes, outermost first: request id, trace, access
 * log, metrics, recovery. What comes after them (auth, limits) fails inside all of them, so a
 * refused request is traced, logged and counted like any other.
 *
 * @param given Logger, metrics, tracer, clock, randomness.
 */
export function standard(given: Instruments): HttpMiddleware[] {
  return [
    requestId(given),
    httpTracing(given.tracer),
    accessLog(given.logger, { clock: given.clock }),
    httpMetrics(given.metrics, { clock: given.clock }),
    recover(given),
  ];
}

const notFound: HttpHandler = () => new Response(null, { status: 404 });

/** Health and metrics, and whatever else is asked behind the standard layers. */
export function adminRoutes(
  health: Health,
  registry: MetricsRegistry,
  settings: Pick<Settings, "healthPaths" | "metricsPath">,
  otherwise: FetchHandler,
): FetchHandler {
  return async (request, context) => {
    const { pathname } = new URL(request.url);
    if (settings.healthPaths.has(pathname)) return await health.handler(request, context);
    if (pathname === settings.metricsPath) return await registry.handler(request);
    return await otherwise(request, context);
  };
}

/** A handler, 404 without one, inside the standard layers and the limits of the configuration. */
export function userRoutes(
  given: Instruments,
  settings: Pick<Settings, "maxBodyBytes" | "requestTimeoutMs">,
  handler: HttpHandler = notFound,
): FetchHandler {
  return compose(
    ...standard(given),
    requestDeadline(given.clock, settings.requestTimeoutMs),
    bodyLimit(settings.maxBodyBytes),
  )(handler);
}
