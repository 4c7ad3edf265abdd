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

/** Health and metrics, and behind them a handler inside the standard layers. */
export function routes(
  given: Instruments,
  health: Health,
  registry: MetricsRegistry,
  options: { readonly handler?: HttpHandler | undefined; readonly admin: boolean },
): FetchHandler {
  const handle = compose(...standard(given))(options.handler ?? notFound);
  return async (request, context) => {
    const { pathname } = new URL(request.url);
    if (options.admin && pathname.startsWith("/health/")) return await health.handler(request);
    if (options.admin && pathname === "/metrics") return await registry.handler(request);
    return await handle(request, context);
  };
}
