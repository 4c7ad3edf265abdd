import { refusal } from "./_failure.ts";
import type { CredentialSource } from "./types.ts";

/** What a caller showed. */
export interface Credentials {
  /** How it is to be proven. */
  readonly method: "jwt" | "api_key";
  /** The token or the key. */
  readonly value: string;
}

// RFC 6750 section 2.1, b64token: the letters that both kinds of credentials are made of. A comma
// is not one of them, so a header that came twice and was joined is refused.
const VALUE_REGEXP = /^[A-Za-z0-9._~+/-]+=*$/;
const SCHEME_REGEXP = /^(Bearer|ApiKey) +([^ ].*)$/i;
// Longest header that is looked at: a token of 8,192 characters and its scheme.
const MAX_HEADER_LENGTH = 8192 + 16;
const QUERY_NAMES = new Set(["access_token", "api_key", "apikey", "api-key", "x-api-key"]);

function refuseQuery(url: string | undefined): void {
  const start = url?.indexOf("?") ?? -1;
  if (url === undefined || start === -1) return;
  for (const name of new URLSearchParams(url.slice(start + 1)).keys()) {
    // Addresses end up in logs, histories and referrers (RFC 6750 section 5.3).
    if (QUERY_NAMES.has(name.toLowerCase())) throw refusal("MALFORMED", "credentials in the query");
  }
}

function checked(value: string): string {
  if (value.length > MAX_HEADER_LENGTH || !VALUE_REGEXP.test(value)) {
    throw refusal("MALFORMED", "the credentials have letters that none have, or came twice");
  }
  return value;
}

/**
 * Reads the credentials of a request: `Authorization: Bearer` with a token, or an API key in its
 * own header or in `Authorization: ApiKey`. Exactly one of them; none in the query.
 *
 * @param source Headers and address.
 * @param keyHeader Header of API keys, lower case.
 */
export function readCredentials(source: CredentialSource, keyHeader: string): Credentials {
  refuseQuery(source.url);
  const authorization = source.headers.get("authorization");
  const apiKey = keyHeader === "authorization" ? null : source.headers.get(keyHeader);
  if (authorization !== null && apiKey !== null) {
    throw refusal("MALFORMED", "two kinds of credentials at once");
  }
  if (apiKey !== null) return { method: "api_key", value: checked(apiKey) };
  if (authorization === null) throw refusal("MISSING_CREDENTIALS", "no credentials");
  const match = authorization.length > MAX_HEADER_LENGTH ? null : SCHEME_REGEXP.exec(authorization);
  if (match === null) throw refusal("MALFORMED", "the scheme is not Bearer and not ApiKey");
  const method = match[1]!.toLowerCase() === "bearer" ? "jwt" : "api_key";
  return { method, value: checked(match[2]!) };
}
