import {
  type DurationInput,
  type HttpContext,
  type HttpMiddleware,
  sleep,
  toMilliseconds,
  uuid,
} from "../core/mod.ts";
import { CqiError, isRetryable, problemResponse } from "../errors/mod.ts";
import { requireInteger } from "../internal/options.ts";
import type { Environment } from "./_environment.ts";
import { type Answer, bodyOf, fingerprintOf, isKept, keyOf, split } from "./_exchange.ts";
import { type Claim, type Kept, keysOf } from "./_keys.ts";

/** How requests with an `Idempotency-Key` are treated. */
export interface IdempotencyOptions {
  /** Methods it is for. @default {["POST", "PATCH"]} */
  readonly methods?: readonly string[];
  /** True refuses requests of these methods without a key with 400. @default {false} */
  readonly required?: boolean;
  /** Most bytes of a request's body, else 413. @default {1048576} */
  readonly maxRequestBytes?: number;
  /**
   * Most bytes of a response's body that are kept. A longer one, or a stream of events, is sent on
   * and repeats are answered with 409. @default {1048576}
   */
  readonly maxResponseBytes?: number;
  /** How long an answer is kept. @default {"24h"} */
  readonly expiry?: DurationInput;
  /**
   * How long a request whose process died keeps its key from being tried again. Longer than any
   * request may take, or it may run twice at a time. @default {"1m"}
   */
  readonly lock?: DurationInput;
  /** How long a repeat waits for the first request to end, before it is answered 409. @default {0} */
  readonly wait?: DurationInput;
  /**
   * Whose keys they are: the same key of two callers is two keys.
   * @default {tenant, type and id of the principal that auth found}
   */
  readonly scope?: (request: Request, context: HttpContext) => string;
}

const HEADER = "idempotency-key";
const REPLAYED = "idempotency-replayed";
// How often a repeat that waits looks: first, and at most.
const LOOK_MS = 20;
const MAX_LOOK_MS = 500;

/** Makes the middleware of an outbox; see `Outbox.idempotency`. */
export function idempotency(env: Environment, options: IdempotencyOptions = {}): HttpMiddleware {
  const { clock, random, logger, metrics } = env;
  const methods = new Set((options.methods ?? ["POST", "PATCH"]).map((each) => each.toUpperCase()));
  const most = (name: "maxRequestBytes" | "maxResponseBytes"): number =>
    requireInteger(name, options[name] ?? 2 ** 20, 0, 2 ** 30);
  const maxRequest = most("maxRequestBytes");
  const maxResponse = most("maxResponseBytes");
  const waitMs = toMilliseconds("wait", options.wait ?? 0);
  const keys = keysOf(env, {
    lockMs: toMilliseconds("lock", options.lock ?? "1m"),
    expiryMs: toMilliseconds("expiry", options.expiry ?? "24h"),
  });
  const scopeOf = options.scope ?? principalOf;
  const count = (result: string): void => metrics.idempotency.with({ result }).add();

  /** The stored answer, undefined once the key is ours. Throws or answers what is neither. */
  const claimed = async (claim: Claim, signal: AbortSignal): Promise<Kept | undefined> => {
    const deadlineMs = clock.monotonic() + waitMs;
    for (let lookMs = LOOK_MS;; lookMs = Math.min(2 * lookMs, MAX_LOOK_MS)) {
      const found = await keys.claim(claim, signal);
      if (found === "ours") return undefined;
      if (found !== "busy") return found;
      const leftMs = deadlineMs - clock.monotonic();
      if (leftMs <= 0) throw inProgress();
      await sleep(clock, Math.min(lookMs, leftMs), { signal });
    }
  };

  return async (request, context, next) => {
    if (!methods.has(request.method)) return await next(request, context);
    const { requestId } = context;
    const told = requestId === undefined ? {} : { requestId };
    const header = request.headers.get(HEADER);
    if (header === null && options.required !== true) return await next(request, context);
    const key = keyOf(header);
    if (key === undefined) {
      count("refused");
      return problemResponse(badKey(header === null), told);
    }
    const body = await bodyOf(request, maxRequest);
    if (body === undefined) {
      count("refused");
      return problem(413, "CQI_REQUEST_TOO_LARGE", "OUT_OF_RANGE", requestId);
    }
    const claim: Claim = {
      scope: JSON.stringify(scopeOf(request, context)),
      key,
      fingerprint: await fingerprintOf(request, body),
      owner: uuid(clock, random),
    };
    let kept: Kept | undefined;
    try {
      kept = await claimed(claim, context.signal);
    } catch (error) {
      if (!(error instanceof CqiError) || error.code !== "CQI_CONFLICT") throw error;
      count("conflict");
      return problemResponse(error, told);
    }
    if (kept !== undefined) {
      if (kept.fingerprint !== claim.fingerprint) {
        count("mismatch");
        return problem(422, "CQI_CONFLICT", "INVALID_ARGUMENT", requestId);
      }
      if (kept.answer === undefined) {
        count("conflict");
        return problemResponse(notKept(), told);
      }
      count("replayed");
      return replayed(kept.answer);
    }
    try {
      const response = await next(withBody(request, body), context);
      if (!isKept(response.status)) {
        await released(claim);
        return response;
      }
      // A body may break as it is read: its request has no more of an answer than one that threw.
      const { answer, sent } = await split(response, maxResponse);
      count("executed");
      await attempt(() => keys.keep(claim, response.status, answer));
      return sent;
    } catch (error) {
      await released(claim);
      throw error;
    }
  };

  async function released(claim: Claim): Promise<void> {
    count("released");
    await attempt(() => keys.release(claim));
  }

  // The request has been carried out: its caller gets the answer, whatever the database says.
  async function attempt(fn: () => Promise<void>): Promise<void> {
    try {
      // A connection that broke is not the end of it: asked again, the database waits for another.
      await fn().catch((error: unknown) => isRetryable(error) ? fn() : Promise.reject(error));
    } catch (error) {
      logger.error("Idempotency key stays locked: what became of its request is not stored", {
        error,
      });
    }
  }
}

function principalOf(_request: Request, { auth }: HttpContext): string {
  const principal = auth?.principal;
  if (principal === undefined) return "";
  return JSON.stringify([principal.tenantId, principal.type, principal.principalId]);
}

// Not `new Request(request, ...)`: its body was read, and not every server's request is a Request.
function withBody(request: Request, body: Uint8Array<ArrayBuffer>): Request {
  const { method, headers, signal } = request;
  return new Request(request.url, {
    method,
    headers,
    signal,
    ...body.length > 0 && { body },
  });
}

function replayed({ status, headers, bytes }: Answer): Response {
  const response = new Response(bytes.length === 0 ? null : bytes.slice(), { status });
  for (const [name, value] of headers) response.headers.append(name, value);
  response.headers.set(REPLAYED, "true");
  return response;
}

function badKey(isMissing: boolean): CqiError {
  const wanted = "1 to 255 visible ASCII characters, bare or as a quoted string";
  return new CqiError(
    "CQI_CONTRACT_INVALID",
    `Cannot take the request: header Idempotency-Key is ${isMissing ? "missing" : "malformed"}`,
    { details: { violations: [{ field: HEADER, rule: "header", message: wanted }] } },
  );
}

function inProgress(): CqiError {
  return new CqiError(
    "CQI_CONFLICT",
    "Cannot take the request: the first one with its Idempotency-Key is still under way",
    { retryable: true, retryAfterMs: 1000 },
  );
}

function notKept(): CqiError {
  return new CqiError(
    "CQI_CONFLICT",
    "Cannot answer the request again: it was carried out, and its answer was too long to keep",
  );
}

// Statuses that no canonical one maps to.
function problem(
  status: number,
  code: string,
  title: string,
  requestId: string | undefined,
): Response {
  const body = { type: "about:blank", title, status, code, request_id: requestId };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}
