import { decodeBase64url } from "./_base64url.ts";
import { refusal } from "./_failure.ts";
import { type JsonFields, parseFields } from "./_json.ts";

/** Longest token that is looked at, in characters. Real ones are 0.5 to 2 kB. */
export const MAX_TOKEN_LENGTH = 8192;
/** Longest key id, in characters. */
export const MAX_KID_LENGTH = 256;

/** A token whose form is right. Nothing in it is proven yet. */
export interface ParsedToken {
  /** The header. */
  readonly header: JsonFields;
  /** Key id; absent when the token names none. */
  readonly kid: string | undefined;
  /** The payload. */
  readonly claims: JsonFields;
  /** Bytes of the signature. */
  readonly signatureBytes: number;
}

/** What a token's header must be like. */
export interface TokenRules {
  /** Allowed algorithms. */
  readonly algorithms: readonly string[];
  /** Type that the header must state, such as `at+jwt`; absent: none, `JWT` or `at+jwt`. */
  readonly type: string | undefined;
}

function readKid(header: JsonFields): string | undefined {
  const { kid } = header;
  if (kid === undefined) return undefined;
  if (typeof kid !== "string" || kid === "" || kid.length > MAX_KID_LENGTH) {
    throw refusal("MALFORMED", "kid is no text of 1 to 256 characters");
  }
  return kid;
}

function checkType(typ: unknown, wanted: string | undefined): void {
  if (typ === undefined && wanted === undefined) return;
  // RFC 7515 section 4.1.9: media types compare without case, "application/" may be left out.
  const name = typeof typ === "string" && typ.length <= 64
    ? typ.toLowerCase().replace(/^application\//, "")
    : "";
  const fine = wanted === undefined ? name === "jwt" || name === "at+jwt" : name === wanted;
  if (!fine) throw refusal("MALFORMED", "typ is of another kind of token");
}

/**
 * Checks what a header says of the token, before any key is looked for.
 *
 * @returns The algorithm, one of those allowed.
 */
export function checkHeader(header: JsonFields, rules: TokenRules): string {
  const { alg } = header;
  if (typeof alg !== "string" || !rules.algorithms.includes(alg)) {
    throw refusal("ALGORITHM_NOT_ALLOWED", "alg is not one of the configured algorithms");
  }
  // `crit` and `b64` change how a token is read (RFC 7797), `zip` and `enc` belong to JWE, `cty`
  // announces a token in a token. jku, x5u, jwk and x5c are no reason to refuse, and never read.
  for (const name of ["crit", "b64", "zip", "enc", "cty"]) {
    if (Object.hasOwn(header, name)) throw refusal("MALFORMED", `${name} is not supported`);
  }
  checkType(header.typ, rules.type);
  return alg;
}

/**
 * Takes a compact JWS apart (RFC 7515 section 7.1) without believing any of it, before any key is
 * looked for. The work is bounded by the length limit, which comes first.
 *
 * @param text What came in the header.
 */
export function parseToken(text: string): ParsedToken {
  if (text.length > MAX_TOKEN_LENGTH) throw refusal("MALFORMED", "token is over 8192 characters");
  const [head, body, tail, ...more] = text.split(".", 4);
  if (!head || !body || !tail || more.length > 0) {
    throw refusal("MALFORMED", "token is not three parts");
  }
  const [headBytes, bodyBytes, signature] = [head, body, tail].map(decodeBase64url);
  if (headBytes === undefined || bodyBytes === undefined || signature === undefined) {
    throw refusal("MALFORMED", "token is not canonical base64url");
  }
  const header = parseFields(headBytes);
  if (header === undefined) throw refusal("MALFORMED", "header is no sound JSON object");
  const kid = readKid(header);
  const claims = parseFields(bodyBytes);
  if (claims === undefined) throw refusal("MALFORMED", "payload is no sound JSON object");
  return { header, kid, claims, signatureBytes: signature.length };
}
