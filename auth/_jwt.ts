import { compactVerify } from "jose";
import type { Clock, HealthReport, Instruments, WaitOptions } from "../core/mod.ts";
import type { AuthContext } from "../gen/ts/cqc/auth/v1/mod.ts";
import { hex } from "../internal/ids.ts";
import type { VerifyKey } from "./_algorithms.ts";
import { sha256 } from "./_compare.ts";
import { configError, refusal } from "./_failure.ts";
import type { Issuer } from "./_issuer.ts";
import type { JsonFields } from "./_json.ts";
import { Lru } from "./_lru.ts";
import { parseToken } from "./_token.ts";

/** What a token turned out to be. */
export interface VerifiedToken {
  /** What is known of the caller. */
  readonly context: AuthContext;
  /** All claims, as they stand in the token. */
  readonly claims: JsonFields;
}

interface Remembered {
  readonly identity: string;
  readonly until: number;
}

/**
 * Checks tokens of one or more issuers. What is remembered of a token is only that its signature
 * was right under a key; claims and key are looked at again each time, so nothing outlives its
 * expiry or its key.
 */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #clock: Clock;
  readonly #proven: Lru<Remembered>;
  readonly #rememberMs: number;
  // One verification per token at a time; bounded by the number of requests in flight.
  readonly #flights = new Map<string, Promise<void>>();
  readonly #count: (result: string) => void;

  constructor(
    issuers: readonly Issuer[],
    env: Instruments,
    memory: { readonly size: number; readonly ms: number },
  ) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.name, issuer]));
    if (this.#issuers.size < issuers.length) {
      throw configError("two JWT sections have the same issuer, each issuer may have one");
    }
    this.#clock = env.clock;
    this.#proven = new Lru(memory.size);
    this.#rememberMs = memory.ms;
    const cache = env.metrics.counter({
      name: "auth_token_cache_total",
      help: "Signature checks of tokens: remembered (hit) or made (miss).",
      labels: ["result"],
    });
    this.#count = (result) => cache.with({ result }).add();
  }

  /**
   * Checks a token.
   *
   * @param text The token.
   * @throws {CqiError} `CQI_UNAUTHENTICATED`, `CQI_AUTH_UNAVAILABLE`.
   */
  async verify(text: string, options: WaitOptions): Promise<VerifiedToken> {
    const token = parseToken(text);
    const { iss } = token.claims;
    const issuer = typeof iss === "string" ? this.#issuers.get(iss) : undefined;
    if (issuer === undefined) throw refusal("WRONG_ISSUER", "iss is of no configured issuer");
    const nowMs = this.#clock.now();
    const { key, claims } = await issuer.examine(token, nowMs / 1000, options);
    await this.#prove(text, key);
    return { context: issuer.context(claims, token.claims, nowMs), claims: token.claims };
  }

  /** Health of the keys of all issuers: the worst of them. */
  async check(options: WaitOptions): Promise<HealthReport> {
    const issuers = [...this.#issuers.values()];
    const reports = await Promise.all(issuers.map((issuer) => issuer.keys.check(options)));
    const find = (status: string) => reports.find((report) => report.status === status);
    return find("down") ?? find("degraded") ?? { status: "ok" };
  }

  /** Ends fetches and forgets tokens. */
  close(): void {
    for (const issuer of this.#issuers.values()) issuer.keys.close();
    this.#proven.clear();
  }

  async #prove(text: string, key: VerifyKey): Promise<void> {
    const id = hex(await sha256(text));
    const known = this.#proven.get(id);
    if (known?.identity === key.identity && this.#clock.monotonic() < known.until) {
      this.#count("hit");
      return;
    }
    const flightId = `${id} ${key.identity}`;
    let flight = this.#flights.get(flightId);
    this.#count(flight === undefined ? "miss" : "hit");
    if (flight === undefined) {
      flight = checkSignature(text, key).finally(() => this.#flights.delete(flightId));
      this.#flights.set(flightId, flight);
    }
    await flight;
    const until = this.#clock.monotonic() + this.#rememberMs;
    this.#proven.set(id, { identity: key.identity, until });
  }
}

async function checkSignature(text: string, { key, alg }: VerifyKey): Promise<void> {
  try {
    await compactVerify(text, key, { algorithms: [alg] });
  } catch (error) {
    const refused = refusal("INVALID_SIGNATURE", "the signature does not verify");
    refused.cause = error;
    throw refused;
  }
}
