import { type FailureReason, refusal } from "./_failure.ts";
import type { Json, JsonFields } from "./_json.ts";

/** What the claims of a token must be like. Times in seconds. */
export interface ClaimRules {
  /** The one issuer, compared as text. */
  readonly issuer: string;
  /** Audiences of this service; the token must name one of them. */
  readonly audiences: readonly string[];
  /** How far clocks may be apart, 0 to 300. */
  readonly skew: number;
  /** Longest time from issue to expiry. */
  readonly maxLifetime: number;
  /** Names of further claims that must be there. */
  readonly required: readonly string[];
  /** Claim of the scopes: one text or a list. */
  readonly scopeClaim: string;
  /** Claim of the roles: a list. */
  readonly rolesClaim: string;
  /** Claim of the tenant; absent: none is read. */
  readonly tenantClaim: string | undefined;
}

/** When a token is valid, in seconds since 1970. */
export interface TokenTimes {
  /** Expiry; required. */
  readonly exp: number;
  /** Not before. */
  readonly nbf: number | undefined;
  /** Issued at. */
  readonly iat: number | undefined;
}

/** The claims that the library itself reads, of the right types. */
export interface KnownClaims extends TokenTimes {
  /** Subject. */
  readonly sub: string;
  /** Token id. */
  readonly jti: string | undefined;
  /** Tenant. */
  readonly tenant: string | undefined;
  /** Scopes. */
  readonly scopes: readonly string[];
  /** Roles. */
  readonly roles: readonly string[];
}

// Bounds of cqc.auth.v1.AuthContext, which the claims become.
const MAX_ID = 256;
const MAX_SUBJECT = 200;
const MAX_NAME = 128;
const MAX_ITEMS = 200;

function requireThat(fine: boolean, reason: FailureReason, note: string): asserts fine {
  if (!fine) throw refusal(reason, note);
}

function isText(value: Json | undefined, maxLength: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength;
}

function own(claims: JsonFields, name: string): Json | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function seconds(claims: JsonFields, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  requireThat(
    typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 1e11,
    "MALFORMED",
    `${name} is no time in seconds`,
  );
  return value;
}

function names(value: Json | undefined, note: string): string[] {
  if (value === undefined) return [];
  requireThat(
    Array.isArray(value) && value.length <= MAX_ITEMS &&
      value.every((item) => isText(item, MAX_NAME)),
    "MALFORMED",
    note,
  );
  return [...new Set(value as string[])];
}

// RFC 8693 section 4.2: scopes are one text, words divided by spaces; some issuers have a list.
function readScopes(value: Json | undefined): string[] {
  if (typeof value !== "string") return names(value, "scope is no text and no list of names");
  return names(value.split(" ").filter((word) => word !== ""), "scope has too many words");
}

function checkAudience(aud: Json | undefined, wanted: readonly string[]): void {
  const list = Array.isArray(aud) ? aud : [aud];
  const sound = list.length <= MAX_ITEMS && list.every((name) => typeof name === "string");
  requireThat(sound, "WRONG_AUDIENCE", "aud is no name and no list of names");
  const meant = list.some((name) => wanted.includes(name as string));
  requireThat(meant, "WRONG_AUDIENCE", "aud names others");
}

function checkTimes(times: TokenTimes, now: number, skew: number): void {
  requireThat(now < times.exp + skew, "EXPIRED", "exp is over");
  requireThat((times.nbf ?? now) <= now + skew, "NOT_YET_VALID", "nbf is to come");
  requireThat((times.iat ?? now) <= now + skew, "NOT_YET_VALID", "iat is to come");
}

/**
 * Checks the claims of a token (RFC 7519 section 4.1, RFC 8725 section 3) and reads those that the
 * library knows.
 *
 * @param now Seconds since 1970.
 */
export function readClaims(claims: JsonFields, rules: ClaimRules, now: number): KnownClaims {
  requireThat(claims.iss === rules.issuer, "WRONG_ISSUER", "iss is another");
  checkAudience(claims.aud, rules.audiences);
  const exp = seconds(claims, "exp");
  requireThat(exp !== undefined, "MALFORMED", "exp is missing");
  const times = { exp, nbf: seconds(claims, "nbf"), iat: seconds(claims, "iat") };
  checkTimes(times, now, rules.skew);
  const lifetime = exp - (times.iat ?? now);
  requireThat(lifetime <= rules.maxLifetime, "MALFORMED", "lifetime is over the longest allowed");
  requireThat(times.iat === undefined || exp - times.iat >= 1e-3, "MALFORMED", "exp is before iat");
  const { sub, jti } = claims;
  requireThat(isText(sub, MAX_SUBJECT), "MALFORMED", "sub is no text of 1 to 200 characters");
  requireThat(jti === undefined || isText(jti, MAX_ID), "MALFORMED", "jti is no text");
  for (const name of rules.required) {
    requireThat((own(claims, name) ?? null) !== null, "MALFORMED", "a required claim is missing");
  }
  const tenant = rules.tenantClaim === undefined ? undefined : own(claims, rules.tenantClaim);
  requireThat(tenant === undefined || isText(tenant, MAX_NAME), "MALFORMED", "tenant is no name");
  const roles = names(own(claims, rules.rolesClaim), "roles is no list of names");
  return { ...times, sub, jti, tenant, roles, scopes: readScopes(own(claims, rules.scopeClaim)) };
}
