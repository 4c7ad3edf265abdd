import { type Clock, type Random, systemClock, systemRandom, uuid } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { createSigner, encodeBase64url, type Signer, signHmac } from "./_signer.ts";

/** What a {@linkcode testIssuer} is like. */
export interface TestIssuerOptions {
  /** Time, for `iat` and `exp`. @default {the system's} */
  readonly clock?: Clock;
  /** Randomness, for ids. @default {the system's} */
  readonly random?: Random;
  /** Name in `iss`. @default {"https://issuer.test"} */
  readonly issuer?: string;
  /** Audience in `aud`. @default {"test"} */
  readonly audience?: string;
  /** One key is made for each; the first signs by default. @default {["ES256"]} */
  readonly algorithms?: readonly string[];
}

/** How one token is signed. */
export interface SignOptions {
  /** Algorithm: one of the issuer's, or an `HS` one with `secret`. @default {the issuer's first} */
  readonly alg?: string;
  /** Key id to write; null writes none. @default {the id of the key that signs} */
  readonly kid?: string | null;
  /** Further header fields, over those that are written; undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Secret of an `HS` algorithm: text or bytes. */
  readonly secret?: string | Uint8Array<ArrayBuffer>;
}

/** How keys are changed. */
export interface RotateOptions {
  /** Whether the old keys stay in the set, as in a rotation of good manners. @default {true} */
  readonly keepOld?: boolean;
}

/** The configuration of an issuer, as the `jwt` section of auth takes it. */
export interface TestIssuerConfig {
  /** Name in `iss`. */
  readonly issuer: string;
  /** Audiences that are accepted. */
  readonly audiences: string[];
  /** Where the JWK set is. */
  readonly keySource: { readonly case: "jwksUri"; readonly value: string };
  /** Algorithms that are accepted. */
  readonly algorithms: string[];
}

/** An issuer of tokens that lives in a test. It signs whatever it is told to, wrong tokens too. */
export interface TestIssuer {
  /** The `jwt` section that accepts its tokens. */
  readonly config: TestIssuerConfig;
  /** Answers with the JWK set: for `fetch` of auth, or behind a real server. */
  readonly handler: (request?: Request) => Response;
  /** How often the set was asked for. */
  readonly requests: number;
  /** Id of the key that signs by default. */
  readonly kid: string;
  /**
   * Signs a token of 5 minutes with `iss`, `aud`, `sub`, `iat`, `exp` and `jti`.
   *
   * @param claims Over those; undefined leaves one out.
   * @param options Algorithm, key id, header.
   */
  sign(claims?: Readonly<Record<string, unknown>>, options?: SignOptions): Promise<string>;
  /**
   * Makes new keys and signs with them from now on.
   *
   * @param options Whether the old ones stay in the set.
   */
  rotate(options?: RotateOptions): Promise<void>;
  /** Takes all keys out of the set but those that sign. */
  retire(): void;
  /** The public key that signs by default, as PEM. */
  publicKeyPem(): Promise<string>;
}

const LIFETIME_S = 300;

/**
 * Makes an issuer of tokens for tests: keys, a JWK set, signed tokens, in two lines.
 *
 * @param options Clock, name, audience, algorithms.
 *
 * @example
 * ```ts
 * import { auth } from "@cq/cqi";
 * import { testIssuer } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const issuer = await testIssuer();
 * const guard = await auth.open({ jwt: issuer.config }, { fetch: issuer.handler });
 *
 * const authorization = `Bearer ${await issuer.sign({ sub: "ada" })}`;
 * const request = new Request("http://localhost/", { headers: { authorization } });
 * assert.equal((await guard.authenticate(request)).principal?.principalId, "ada");
 * ```
 */
export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { clock = systemClock, random = systemRandom, algorithms = ["ES256"] } = options;
  const { issuer = "https://issuer.test", audience = "test" } = options;
  let generation = 0;
  let requests = 0;
  let old: readonly Signer[] = [];
  const make = (): Promise<Signer[]> => {
    generation++;
    return Promise.all(algorithms.map((alg) => createSigner(alg, `${alg}-${generation}`)));
  };
  let signers = await make();
  const find = (alg: string | undefined): Signer => {
    const signer = alg === undefined ? signers[0] : signers.find((one) => one.alg === alg);
    if (signer !== undefined) return signer;
    throw new CqiError(
      "CQI_OPTION_INVALID",
      `Cannot sign with '${alg}': the issuer has no key of it`,
    );
  };
  return {
    config: {
      issuer,
      audiences: [audience],
      keySource: { case: "jwksUri", value: "https://issuer.test/.well-known/jwks.json" },
      algorithms: [...algorithms],
    },
    handler: () => {
      requests++;
      return Response.json({ keys: [...signers, ...old].map((signer) => signer.jwk) });
    },
    get requests() {
      return requests;
    },
    get kid() {
      return find(undefined).kid;
    },
    async sign(claims = {}, { alg, kid, header, secret } = {}) {
      const signer = secret === undefined ? find(alg) : undefined;
      const id = kid === undefined ? signer?.kid : kid ?? undefined;
      const now = Math.floor(clock.now() / 1000);
      const fields = {
        iss: issuer,
        aud: audience,
        sub: "test-user",
        iat: now,
        exp: now + LIFETIME_S,
        jti: uuid(clock, random),
        ...claims,
      };
      const head = { alg: signer?.alg ?? alg ?? "HS256", typ: "JWT", kid: id, ...header };
      const input = [head, fields].map((part) => encodeBase64url(JSON.stringify(part))).join(".");
      const signature = secret === undefined
        ? await find(alg).sign(input)
        : await signHmac(input, alg ?? "HS256", secret);
      return `${input}.${encodeBase64url(signature)}`;
    },
    async rotate({ keepOld = true } = {}) {
      const fresh = await make();
      old = keepOld ? [...signers, ...old] : [];
      signers = fresh;
    },
    retire: () => void (old = []),
    publicKeyPem: () => find(undefined).pem(),
  };
}
