import { CqiError, isCqiError, problemResponse } from "../errors/mod.ts";

/** What a refused request is told. */
export interface ChallengeOptions {
  /** Schemes that are accepted, such as `Bearer`. */
  readonly schemes: readonly string[];
  /** Name of the protected area. */
  readonly realm: string;
  /** Scopes that were asked for. */
  readonly scopes: readonly string[];
  /** Id of the request. */
  readonly requestId: string | undefined;
}

function challenge(error: CqiError, options: ChallengeOptions): string {
  const parts = [`realm="${options.realm}"`];
  if (error.code === "CQI_FORBIDDEN") {
    parts.push('error="insufficient_scope"');
    if (options.scopes.length > 0) parts.push(`scope="${options.scopes.join(" ")}"`);
  } else if (error.details.reason !== "MISSING_CREDENTIALS") {
    // RFC 6750 section 3.1: a request without credentials is told nothing but how to show some.
    parts.push('error="invalid_token"');
  }
  return options.schemes.map((scheme) => `${scheme} ${parts.join(", ")}`).join(", ");
}

/**
 * The answer to a refused request: 401 or 403 with `WWW-Authenticate` (RFC 6750 section 3), or
 * what else the error maps to. The body has the code and the request id only.
 */
export function refuseRequest(caught: unknown, options: ChallengeOptions): Response {
  // A guard is closed when the service ends: for the caller that is "try another instance".
  const error = isCqiError(caught, "CQI_CLOSED")
    ? new CqiError("CQI_AUTH_UNAVAILABLE", "Cannot authenticate the caller: auth is closed")
    : CqiError.from(caught);
  const isChallenge = error.code === "CQI_UNAUTHENTICATED" || error.code === "CQI_FORBIDDEN";
  return problemResponse(error, {
    ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
    headers: {
      "cache-control": "no-store",
      ...(isChallenge ? { "www-authenticate": challenge(error, options) } : {}),
    },
  });
}
