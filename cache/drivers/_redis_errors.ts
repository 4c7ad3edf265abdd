import { CqiError, type CqiErrorOptions, messageOf } from "../../errors/mod.ts";

/** First word of what a server refuses one command with while it serves others. */
const REFUSALS: Readonly<Record<string, boolean>> = {
  // Whether the same command may work later.
  OOM: true,
  READONLY: true,
  MISCONF: true,
  NOREPLICAS: true,
  NOPERM: false,
  ERR: false,
  CROSSSLOT: false,
  WRONGTYPE: false,
};
/** Longest part of a server's message that is shown, in characters. */
const MAX_MESSAGE = 200;

/** What becomes of a command whose answer is not known. */
export interface FailureFacts {
  /** Ends the sentence "Cannot ...". */
  readonly action: string;
  /** Whether it was on its way, and doing it twice is not the same as once. */
  readonly unknownOutcome: boolean;
}

// ioredis hangs the command with its arguments on errors, and the server may quote them: neither
// keys nor values get out.
function shown(error: unknown): string {
  const message = messageOf(error).split(/, with args|: '|\r|\n/, 1)[0]!;
  return message.slice(0, MAX_MESSAGE);
}

/** The first word of an error that the server answered with, such as `OOM`; else undefined. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "ReplyError") return undefined;
  return /^[A-Z]+/.exec(error.message)?.[0];
}

/**
 * Turns what a command failed with into an error of ours.
 *
 * `details.answered` says that the server is well and only refused this command, which is no reason
 * to leave it alone.
 */
export function redisError(error: unknown, facts: FailureFacts): CqiError {
  if (error instanceof CqiError) return error;
  const code = replyCode(error);
  const problem = `Cannot ${facts.action} in Redis: ${shown(error)}`;
  if (code === "CONFLICT" || (code === "WRONGTYPE" && facts.unknownOutcome)) {
    return new CqiError(
      "CQI_CONFLICT",
      `Cannot ${facts.action}: the value or the sum is no whole number within 2^53`,
    );
  }
  const isMaxClients = code === "ERR" && messageOf(error).includes("max number of clients");
  if (code !== undefined && Object.hasOwn(REFUSALS, code) && !isMaxClients) {
    const details = { answered: true, reply: code };
    return new CqiError("CQI_CACHE_UNAVAILABLE", problem, { retryable: REFUSALS[code]!, details });
  }
  // A server that answered with BUSY, LOADING and the like did nothing.
  const unknown = facts.unknownOutcome && code === undefined;
  return unavailable(problem, unknown ? { retryable: false, details: { outcome: "unknown" } } : {});
}

/** `CQI_CACHE_UNAVAILABLE`. */
export function unavailable(message: string, options: CqiErrorOptions = {}): CqiError {
  return new CqiError("CQI_CACHE_UNAVAILABLE", message, options);
}
