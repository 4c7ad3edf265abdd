import type { AuthContext } from "../gen/ts/cqc/auth/v1/mod.ts";

/**
 * What comes next: another middleware or the handler itself.
 *
 * @typeParam I What goes in: a request, a delivery.
 * @typeParam C What travels beside it.
 * @typeParam O What comes out.
 */
export type Next<I, C, O> = (input: I, context: C) => Promise<O>;

/**
 * One layer around a handler. It may change what goes in, what comes out, or answer by itself.
 *
 * @typeParam I What goes in.
 * @typeParam C What travels beside it.
 * @typeParam O What comes out.
 */
export type Middleware<I, C, O> = (input: I, context: C, next: Next<I, C, O>) => O | Promise<O>;

/** What travels with an HTTP request. Each middleware adds its part. */
export interface HttpContext {
  /** Aborts when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
  /** Id under which the request stands in logs and answers. */
  readonly requestId?: string | undefined;
  /** Route template, such as `/positions/:id`, for metrics and spans. */
  readonly route?: string | undefined;
  /** Who asks; set by auth. */
  readonly auth?: AuthContext | undefined;
}

/** Handles an HTTP request. */
export type HttpHandler = (request: Request, context: HttpContext) => Response | Promise<Response>;

/** A layer around an HTTP handler. */
export type HttpMiddleware = Middleware<Request, HttpContext, Response>;

/**
 * A plain web-standard handler: what Deno.serve, Bun.serve, Hono and Connect take. Who knows more
 * of the request than it says (when the client has gone, who asks) hands it in as context.
 */
export type FetchHandler = (
  request: Request,
  context?: Partial<HttpContext>,
) => Promise<Response>;

/**
 * Joins layers and a handler into one function, first layer outermost.
 *
 * @param layers Outermost first.
 * @param handler The innermost function.
 */
export function chain<I, C, O>(
  layers: readonly Middleware<I, C, O>[],
  handler: (input: I, context: C) => O | Promise<O>,
): Next<I, C, O> {
  return layers.reduceRight<Next<I, C, O>>(
    (next, layer) => async (input, context) => await layer(input, context, next),
    async (input, context) => await handler(input, context),
  );
}

/**
 * Wraps an HTTP handler in middleware, first one outermost, and makes a plain fetch handler of it.
 *
 * @param layers Outermost first.
 *
 * @example
 * ```ts
 * import { compose } from "@cq/cqi/core";
 * import assert from "node:assert/strict";
 *
 * const handler = compose(async (request, context, next) => {
 *   const response = await next(request, context);
 *   response.headers.set("x-served-by", "cqi");
 *   return response;
 * })(() => new Response("hello"));
 *
 * const response = await handler(new Request("http://localhost/"));
 * assert.equal(response.headers.get("x-served-by"), "cqi");
 * ```
 */
export function compose(...layers: HttpMiddleware[]): (handler: HttpHandler) => FetchHandler {
  return (handler) => {
    const run = chain(layers, handler);
    return (request, context = {}) =>
      run(request, { ...context, signal: context.signal ?? request.signal });
  };
}
