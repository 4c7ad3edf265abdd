import {
  activeContext,
  type Clock,
  type HttpContext,
  type HttpMiddleware,
  LOG_FIELDS,
  type LogFields,
  type Logger,
  type LogLevel,
  type Random,
  runInContext,
  systemClock,
  systemRandom,
} from "../core/mod.ts";
import { CqiError, httpStatusOf } from "../errors/mod.ts";

/** Settings of {@linkcode accessLog}. */
export interface AccessLogOptions {
  /** Requests that leave no line, unless they fail. @default {health probes and `/metrics`} */
  readonly isSilent?: (request: Request) => boolean;
  /** Share of answers below 400 that is logged, 0 to 1; all others are. @default {1} */
  readonly sampleRatio?: number;
  /** Measures the duration. @default {the system's} */
  readonly clock?: Clock;
  /** Decides what is sampled. @default {the system's} */
  readonly random?: Random;
}

const SERVER_ERROR = 500;
const CLIENT_ERROR = 400;
const PROBE_REGEXP = /^\/(?:health|healthz|livez|readyz|startupz|live|ready|metrics)(?:\/|$)/;

const isProbe = (request: Request): boolean => PROBE_REGEXP.test(new URL(request.url).pathname);

/** Size that a message states of itself; undefined when it does not. */
function sizeOf(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function levelOf(status: number): LogLevel {
  return status >= SERVER_ERROR ? "error" : "info";
}

/** Fields that lines written within the request carry too. */
function contextFields(context: HttpContext): LogFields {
  const fields = {
    request_id: context.requestId,
    user_id: context.auth?.principal?.principalId || undefined,
  };
  return { ...activeContext().get(LOG_FIELDS), ...fields };
}

/**
 * Writes one line for each request: method, route template (`other` where there is none, never
 * the raw path), status, duration and stated sizes; at error for a status of 500 and above and for
 * what throws, else at info. Lines written within the request carry its id and user.
 *
 * @param logger Where the lines go.
 * @param options What stays silent, and how much of the success is logged.
 *
 * @example
 * ```ts
 * import { compose } from "@cq/cqi/core";
 * import { accessLog } from "@cq/cqi/logging";
 * import { testLogger } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const logger = testLogger();
 * const handler = compose(accessLog(logger))(() => new Response("hello"));
 * await handler(new Request("http://localhost/positions/7?token=abc"));
 *
 * const { fields } = logger.expect({ level: "info", message: "Request answered" });
 * assert.equal(fields.path, "other");
 * assert.equal(fields.status_code, 200);
 * ```
 */
export function accessLog(logger: Logger, options: AccessLogOptions = {}): HttpMiddleware {
  const { isSilent = isProbe, sampleRatio = 1, clock = systemClock, random = systemRandom } =
    options;
  return (request, context, next) => {
    const start = clock.monotonic();
    const fields = contextFields(context);
    const write = (status: number, more: LogFields): void => {
      if (status < CLIENT_ERROR && random.next() >= sampleRatio) return;
      if (status < SERVER_ERROR && isSilent(request)) return;
      logger.log(levelOf(status), "Request answered", {
        ...fields,
        method: request.method,
        path: context.route ?? "other",
        status_code: status,
        duration_ms: Math.round((clock.monotonic() - start) * 1000) / 1000,
        request_bytes: sizeOf(request.headers),
        ...more,
      });
    };
    return runInContext(activeContext().with(LOG_FIELDS, fields), async () => {
      try {
        const response = await next(request, context);
        write(response.status, { response_bytes: sizeOf(response.headers) });
        return response;
      } catch (error) {
        write(httpStatusOf(CqiError.from(error).status), { error });
        throw error;
      }
    });
  };
}
