import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HealthReport,
  HttpMiddleware,
  Instruments,
  Secret,
  StandardSchema,
  WaitOptions,
} from "../core/mod.ts";
import type { AuthContext } from "../gen/ts/cqc/auth/v1/mod.ts";
import type { AuthConfigSchema, SecretRef } from "../gen/ts/cqc/config/v1/mod.ts";

/** The configuration section of auth, as {@linkcode open} takes it. */
export type AuthConfigInit = MessageInitShape<typeof AuthConfigSchema>;

/** Fetches one request: the runtime's own `fetch`, or the handler of a test's issuer. */
export type FetchLike = (request: Request) => Response | Promise<Response>;

/** What credentials are read from. A `Request` is one; so are the headers of an RPC call. */
export interface CredentialSource {
  /** Headers of the request. */
  readonly headers: Headers;
  /** Address of the request, so that credentials in its query are seen and refused. */
  readonly url?: string;
}

/**
 * Decides whether a known caller may go on, for what scopes cannot say.
 *
 * @param auth Who asks.
 * @param request What is asked for.
 * @returns True lets the request through.
 */
export type AuthPolicy = (auth: AuthContext, request: Request) => boolean | Promise<boolean>;

/** Settings of {@linkcode open} that are code, not configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Fetches JWK sets. @default {the runtime's fetch} */
  readonly fetch?: FetchLike;
  /**
   * Gives the value behind a reference of the configuration: a shared secret or the pepper.
   * Required when the configuration has such a reference.
   *
   * @param ref The reference.
   */
  readonly resolveSecret?: (ref: SecretRef) => string | Secret | Promise<string | Secret>;
  /**
   * Address of the caller, for keys that are bound to networks and for the limit of failed
   * attempts; see {@linkcode forwardedFor}. Undefined counts as one unknown source. Without this
   * option attempts are not limited.
   *
   * @param request What came in.
   */
  readonly source?: (request: CredentialSource) => string | undefined;
  /**
   * Asked for each authenticated caller: true refuses it. For lists of revoked tokens (by
   * `tokenId`), keys and users. When it throws nobody gets in.
   *
   * @param auth Who was recognised.
   * @param options A signal that ends the wait.
   */
  readonly isRevoked?: (auth: AuthContext, options: WaitOptions) => boolean | Promise<boolean>;
  /** Checks all claims of a token beyond the configured rules. @default {anything goes} */
  readonly claims?: StandardSchema<unknown, unknown>;
  /** Name of the protected area in `WWW-Authenticate`. @default {"cqi"} */
  readonly realm?: string;
  /** Tokens whose signature check is remembered, 0 to 1 million. @default {10000} */
  readonly rememberTokens?: number;
  /** How long a signature check is remembered, in milliseconds, 0 to 1 hour. @default {300000} */
  readonly rememberMs?: number;
}

/**
 * Recognises callers and keeps others out. Safe to share between requests.
 *
 * Whatever goes wrong, the handler behind it is not called. All refusals of credentials look the
 * same from outside; the reason stands in the log.
 */
export interface Guard extends AsyncDisposable {
  /**
   * Recognises the caller.
   *
   * @param request A request, or the headers of a call.
   * @param options A signal that ends the wait for keys.
   * @throws {CqiError} `CQI_UNAUTHENTICATED` for missing and for wrong credentials alike,
   * `CQI_RATE_LIMITED` for a source that failed too often, `CQI_AUTH_UNAVAILABLE` when keys cannot
   * be had, `CQI_CLOSED`.
   */
  authenticate(request: CredentialSource, options?: WaitOptions): Promise<AuthContext>;
  /**
   * A layer that lets known callers through who have all the scopes and pass all the policies,
   * with `context.auth` set. Answers 401 or 403 to others (RFC 6750 section 3), 429 and 503.
   *
   * @param needs Scopes, such as `positions:read`, and policies. None: any known caller.
   */
  require(...needs: readonly (string | AuthPolicy)[]): HttpMiddleware;
  /** `require()`: lets any known caller through. */
  readonly middleware: HttpMiddleware;
  /** Whether keys can be had: `down` without any, `degraded` while old ones serve. */
  check(options?: WaitOptions): Promise<HealthReport>;
  /** Ends fetches. Requests after it are refused. Closing twice does nothing. */
  close(): Promise<void>;
}
