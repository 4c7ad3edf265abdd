// Errors of Kafka as errors of ours. By the broker's code where there is one; the numbers and their
// names are those of Kafka's protocol.

import { protocolErrors, protocolErrorsCodesById } from "@platformatic/kafka";
import { CqiError, isCqiError, messageOf } from "../../errors/mod.ts";
import { CERTIFICATE_REGEXP, CODES } from "./_kafka_codes.ts";

/** The name of a broker's error code, such as `NOT_LEADER_OR_FOLLOWER`. */
export function errorName(code: number): string {
  return (protocolErrorsCodesById as Readonly<Record<number, string>>)[code] ?? `ERROR_${code}`;
}

/** Whether a request that was answered so may be answered otherwise a moment later. */
export function isPassing(code: number): boolean {
  const name = errorName(code);
  const known = CODES[name];
  if (known !== undefined) return known === "CQI_BUS_UNAVAILABLE";
  return (protocolErrors as Readonly<Record<string, { canRetry: boolean }>>)[name]?.canRetry ===
    true;
}

/**
 * What a broker answered, as an error.
 *
 * @param action What was tried, such as `publish on 'prices'`.
 * @param code The broker's code.
 * @param says What the broker adds, if anything.
 */
export function brokerError(action: string, code: number, says?: string | null): CqiError {
  const name = errorName(code);
  const fallback = isPassing(code) ? "CQI_BUS_UNAVAILABLE" : "CQI_BUS_PERMANENT";
  const more = says ? `: ${says.slice(0, 300)}` : "";
  return new CqiError(CODES[name] ?? fallback, `Cannot ${action}: Kafka says ${name}${more}`, {
    details: { kafka: name },
  });
}

/** What a broker answered, by name; empty where none did. */
export function answerOf(error: CqiError): string {
  return String(error.details["kafka"] ?? "");
}

// What goes wrong on the way: by the client library, or by the system.
const ON_THE_WAY_REGEXP = /^PLT_KFK_(NETWORK|TIMEOUT|AUTHENTICATION|MULTIPLE|USER)|^E[A-Z]+$/;

/** Whether a request was answered, and the answer could not be read. */
export function isUnreadable({ cause }: CqiError): boolean {
  if (!(cause instanceof Error) || isCqiError(cause)) return false;
  return !ON_THE_WAY_REGEXP.test(String((cause as { code?: unknown }).code ?? ""));
}

/** An error and all that it was made of. */
function* chainOf(error: unknown, depth = 0): Generator<Record<string, unknown>> {
  if (typeof error !== "object" || error === null || depth > 8) return;
  const each = error as Record<string, unknown>;
  yield each;
  yield* chainOf(each["cause"], depth + 1);
  if (Array.isArray(each["errors"])) {
    for (const part of each["errors"]) yield* chainOf(part, depth + 1);
  }
}

/**
 * What went wrong between us and a broker, as an error: refused logins and certificates stay
 * refused, all else may pass.
 *
 * @param action What was tried.
 * @param error What was caught.
 */
export function transportError(action: string, error: unknown): CqiError {
  if (isCqiError(error)) return error;
  const chain = [...chainOf(error)];
  const deepest = chain.at(-1);
  const why = messageOf(deepest ?? error);
  const options = { cause: error };
  if (chain.some((each) => each["code"] === "PLT_KFK_AUTHENTICATION")) {
    return new CqiError("CQI_UNAUTHENTICATED", `Cannot ${action}: login refused (${why})`, options);
  }
  const refused = chain.some((each) =>
    (typeof each["code"] === "string" && CERTIFICATE_REGEXP.test(each["code"])) ||
    (each["code"] === "PLT_KFK_USER" && /TLS/.test(String(each["message"])))
  );
  if (refused) {
    return new CqiError(
      "CQI_BUS_PERMANENT",
      `Cannot ${action}: no TLS with Kafka (${why})`,
      options,
    );
  }
  return new CqiError("CQI_BUS_UNAVAILABLE", `Cannot ${action}: Kafka is away (${why})`, options);
}
