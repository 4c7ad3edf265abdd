import { CqiError } from "../errors/mod.ts";
import type { AuthFailureReason } from "../gen/ts/cqc/auth/v1/mod.ts";

/** Why a caller was refused: the value names of `cqc.auth.v1.AuthFailureReason`. */
export type FailureReason = Exclude<keyof typeof AuthFailureReason, "UNSPECIFIED">;

/**
 * A refusal. The message is the same for every reason, since it may reach the caller; the reason
 * is for the log and stands in `details.reason`, which no answer carries.
 *
 * @param reason Why.
 * @param note What exactly, for the log; never a token, a key or a part of one.
 */
export function refusal(reason: FailureReason, note: string): CqiError {
  return new CqiError(
    "CQI_UNAUTHENTICATED",
    "Cannot authenticate the caller: valid credentials are wanted",
    { details: { reason, note } },
  );
}

/** A mistake in the configuration or the options of auth. */
export function configError(message: string, cause?: unknown): CqiError {
  return new CqiError(
    "CQI_AUTH_CONFIG",
    `Cannot open auth: ${message}`,
    cause === undefined ? {} : { cause },
  );
}

/** Keys, revocations or hooks that are needed for an answer cannot be had: nobody gets in. */
export function unavailable(message: string, cause?: unknown): CqiError {
  return new CqiError("CQI_AUTH_UNAVAILABLE", `Cannot authenticate the caller: ${message}`, {
    retryAfterMs: 1000,
    details: { reason: "KEYS_UNAVAILABLE" satisfies FailureReason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What came from the address of a JWK set is none. */
export function unusable(what: string): CqiError {
  return new CqiError("CQI_AUTH_UNAVAILABLE", `Cannot use the JWK set: ${what}`);
}
