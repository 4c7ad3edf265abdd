import {
  activeContext,
  durationMs,
  type HealthReport,
  type HttpContext,
  type HttpMiddleware,
  type Instruments,
  instruments,
  LOG_FIELDS,
  runInContext,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type AuthContext, AuthMethod } from "../gen/ts/cqc/auth/v1/mod.ts";
import type { AuthConfig } from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse } from "../internal/options.ts";
import type { ApiKeyVerifier } from "./_api_keys.ts";
import { refuseRequest } from "./_challenge.ts";
import { type Credentials, readCredentials } from "./_credentials.ts";
import { refusal, unavailable } from "./_failure.ts";
import type { TokenVerifier } from "./_jwt.ts";
import { FailureLimiter } from "./_limiter.ts";
import { Watch } from "./_watch.ts";
import type { AuthPolicy, CredentialSource, Guard, OpenOptions } from "./types.ts";

/** The checks that a guard joins. */
export interface GuardParts {
  /** Checks API keys; absent when none is configured. */
  readonly apiKeys: ApiKeyVerifier | undefined;
  /** Checks tokens; absent when no issuer is configured. */
  readonly tokens: TokenVerifier | undefined;
}

// RFC 6749 section 3.3: a scope is printable, without space, quote and backslash.
const SCOPE_REGEXP = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
const DEFAULT_MAX_FAILURES = 10;
const DEFAULT_WINDOW_MS = 60_000;

/** The one implementation of {@linkcode Guard}. */
export class DefaultGuard implements Guard {
  readonly middleware: HttpMiddleware;
  readonly #parts: GuardParts;
  readonly #options: OpenOptions;
  readonly #env: Instruments;
  readonly #watch: Watch;
  readonly #limiter: FailureLimiter;
  readonly #keyHeader: string;
  readonly #schemes: readonly string[];
  // Contexts that this guard made, so that an inner layer need not ask again.
  readonly #recognised = new WeakSet<AuthContext>();
  #closed = false;

  constructor(config: AuthConfig, options: OpenOptions, parts: GuardParts) {
    this.#parts = parts;
    this.#options = options;
    this.#env = instruments(options);
    this.#watch = new Watch(this.#env);
    this.#limiter = new FailureLimiter(
      this.#env.clock,
      config.apiKey?.maxFailures || DEFAULT_MAX_FAILURES,
      durationMs(config.apiKey?.failureWindow, DEFAULT_WINDOW_MS),
    );
    this.#keyHeader = config.apiKey?.header || "x-api-key";
    const onlyKeys = parts.tokens === undefined && parts.apiKeys !== undefined;
    this.#schemes = onlyKeys ? ["ApiKey"] : parts.apiKeys ? ["Bearer", "ApiKey"] : ["Bearer"];
    this.middleware = this.require();
  }

  async authenticate(request: CredentialSource, options: WaitOptions = {}): Promise<AuthContext> {
    let method = "none";
    let source: string | undefined;
    try {
      if (this.#closed) throw new CqiError("CQI_CLOSED", "Cannot authenticate: auth is closed");
      options.signal?.throwIfAborted();
      source = this.#options.source && (this.#options.source(request) ?? "");
      if (source !== undefined) this.#limiter.check(source);
      const credentials = readCredentials(request, this.#keyHeader);
      method = credentials.method;
      const auth = await this.#prove(credentials, source, options);
      await this.#refuseRevoked(auth, options);
      this.#recognised.add(auth);
      this.#watch.ok(method);
      return auth;
    } catch (caught) {
      const error = CqiError.from(caught);
      const isFailure = error.code === "CQI_UNAUTHENTICATED" &&
        error.details.reason !== "MISSING_CREDENTIALS";
      if (source !== undefined && isFailure) this.#limiter.fail(source);
      this.#watch.refused(method, error);
      throw error;
    }
  }

  require(...needs: readonly (string | AuthPolicy)[]): HttpMiddleware {
    const scopes = needs.filter((need) => typeof need === "string");
    const policies = needs.filter((need) => typeof need === "function");
    for (const scope of scopes) {
      if (!SCOPE_REGEXP.test(scope)) {
        refuse("scope", scope, "1 to 128 printable letters, no spaces");
      }
    }
    if (scopes.length + policies.length < needs.length) {
      refuse("needs", needs, "scopes as text and policies as functions");
    }
    return async (request, context, next) => {
      let auth: AuthContext;
      try {
        auth = await this.#recognise(request, context);
        await this.#authorise(auth, request, scopes, policies);
      } catch (error) {
        const { realm = "cqi" } = this.#options;
        const { requestId } = context;
        return refuseRequest(error, { schemes: this.#schemes, realm, scopes, requestId });
      }
      const fields = { ...activeContext().get(LOG_FIELDS), user_id: auth.principal?.principalId };
      return await runInContext(
        activeContext().with(LOG_FIELDS, fields),
        () => next(request, { ...context, auth }),
      );
    };
  }

  async check(options: WaitOptions = {}): Promise<HealthReport> {
    if (this.#closed) return { status: "down", message: "Auth is closed" };
    return await this.#parts.tokens?.check(options) ?? { status: "ok" };
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#parts.tokens?.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #recognise(request: Request, context: HttpContext): Promise<AuthContext> {
    const { auth, signal } = context;
    const isOurs = auth !== undefined && this.#recognised.has(auth) && !this.#closed;
    return isOurs ? auth : await this.authenticate(request, { signal });
  }

  async #prove(
    credentials: Credentials,
    source: string | undefined,
    options: WaitOptions,
  ): Promise<AuthContext> {
    const { apiKeys, tokens } = this.#parts;
    if (credentials.method === "api_key") {
      if (apiKeys === undefined) throw refusal("UNKNOWN_KEY", "no API key is configured");
      return await apiKeys(credentials.value, source);
    }
    if (tokens === undefined) throw refusal("WRONG_ISSUER", "no issuer is configured");
    const { context, claims } = await tokens.verify(credentials.value, options);
    const result = await this.#options.claims?.["~standard"].validate(claims);
    if (result?.issues) throw refusal("MALFORMED", "the claims do not match the claims schema");
    return context;
  }

  async #refuseRevoked(auth: AuthContext, options: WaitOptions): Promise<void> {
    const { isRevoked } = this.#options;
    if (isRevoked === undefined) return;
    let answer: unknown;
    try {
      const ask = (signal: AbortSignal) => isRevoked(auth, { signal });
      answer = await withDeadline(this.#env.clock, Infinity, ask, options);
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw unavailable("the list of revoked credentials cannot be asked", cause);
    }
    // Anything but a clear no refuses.
    if (answer !== false) throw refusal("REVOKED", "the option isRevoked refused the caller");
  }

  async #authorise(
    auth: AuthContext,
    request: Request,
    scopes: readonly string[],
    policies: readonly AuthPolicy[],
  ): Promise<void> {
    const method = auth.method === AuthMethod.API_KEY ? "api_key" : "jwt";
    try {
      if (!scopes.every((scope) => auth.scopes.includes(scope))) throw forbidden("scope missing");
      for (const policy of policies) {
        if (await policy(auth, request) !== true) throw forbidden("a policy said no");
      }
    } catch (caught) {
      const error = CqiError.from(caught);
      this.#watch.refused(method, error);
      throw error;
    }
  }
}

function forbidden(note: string): CqiError {
  return new CqiError("CQI_FORBIDDEN", "Cannot go on: the caller may not do this", {
    details: { reason: "INSUFFICIENT_SCOPE", note },
  });
}
