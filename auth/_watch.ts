import type { Counter, Instruments, Logger } from "../core/mod.ts";
import type { CqiError } from "../errors/mod.ts";

const RESULTS: Readonly<Record<string, string>> = {
  CQI_UNAUTHENTICATED: "refused",
  CQI_RATE_LIMITED: "limited",
  CQI_AUTH_UNAVAILABLE: "unavailable",
  CQI_FORBIDDEN: "forbidden",
  CQI_ABORTED: "aborted",
};

// What attackers and mistaken callers cause, as often as they like.
const EXPECTED: readonly string[] = ["CQI_UNAUTHENTICATED", "CQI_RATE_LIMITED", "CQI_FORBIDDEN"];
// The caller went away, or the service is ending.
const QUIET: readonly string[] = ["CQI_ABORTED", "CQI_CLOSED"];

/** What the operator sees of auth: counters and log lines. Never a token or a key. */
export class Watch {
  readonly #logger: Logger;
  readonly #attempts: (method: string, result: string) => Counter;

  constructor(env: Instruments) {
    this.#logger = env.logger.child({ component: "auth" });
    const attempts = env.metrics.counter({
      name: "auth_attempts_total",
      help: "Attempts to authenticate and denials of scope, by method and result.",
      labels: ["method", "result"],
    });
    this.#attempts = (method, result) => attempts.with({ method, result });
  }

  /** A caller was recognised. */
  ok(method: string): void {
    this.#attempts(method, "ok").add();
  }

  /** A caller was not, or may not what it asked for. */
  refused(method: string, error: CqiError): void {
    this.#attempts(method, RESULTS[error.code] ?? "error").add();
    const { reason, note } = error.details;
    const fields = { method, reason, note, code: error.code };
    if (reason === "MISSING_CREDENTIALS") this.#logger.debug("Caller not authenticated", fields);
    else if (EXPECTED.includes(error.code)) this.#logger.info("Caller refused", fields);
    else if (!QUIET.includes(error.code)) {
      this.#logger.error("Caller refused, since authentication failed", { ...fields, error });
    }
  }
}
