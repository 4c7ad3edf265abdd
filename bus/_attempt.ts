import type { Message } from "@bufbuild/protobuf";
import { CqiError, isCqiError, isRetryable, messageOf } from "../errors/mod.ts";
import type { Environment } from "./_environment.ts";
import type { Envelope } from "./_received.ts";
import type { BusRecord } from "./driver.ts";
import { copyHeaders } from "./headers.ts";
import type { Delivery, HeaderValue, Skip, SubscriptionInfo } from "./types.ts";

/** Runs the check of an event, as far as the configuration wants it. */
export function validated(env: Environment, check: () => void): void {
  if (env.settings.consumeValidation === "off") return;
  try {
    check();
  } catch (error) {
    if (env.settings.consumeValidation === "dead_letter") throw error;
    env.logger.warn("Event is not valid and is handled all the same", { error });
  }
}

/** What a handler is given. */
export function deliveryOf(
  record: BusRecord,
  envelope: Envelope,
  event: Message,
  attempt: number,
  signal: AbortSignal,
): Delivery {
  let headers: ReadonlyMap<string, HeaderValue> | undefined;
  return {
    event,
    eventId: envelope.eventId,
    correlationId: envelope.correlationId,
    type: event.$typeName,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    key: record.key ?? undefined,
    // Handlers are strangers to each other, and to the next attempt. Few look at them.
    get headers() {
      return headers ??= copyHeaders(record.headers);
    },
    timestampMs: record.timestampMs,
    attempt,
    signal,
    skip: (reason) => ({ skip: reason }),
  };
}

/** Whether a handler said that there is nothing to do. */
export function isSkip(result: unknown): result is Skip {
  return typeof result === "object" && result !== null && "skip" in result;
}

/** What was thrown, which can be anything, also what throws when it is looked at. */
export function readable(thrown: unknown): unknown {
  try {
    isRetryable(thrown);
    if (thrown instanceof Error) void [thrown.name, thrown.message, thrown.stack, thrown.cause];
    return thrown;
  } catch {
    return new Error("Thrown value that cannot be read");
  }
}

/** Whether an error may pass. An abort that is not ours came from within the handler, and may. */
export function isTransient(error: unknown): boolean {
  return isRetryable(error) || isCqiError(error, "CQI_ABORTED") || !isCqiError(error);
}

/** Says that a handler was too slow. */
export function handlerTimeout(info: SubscriptionInfo, limitMs: number): CqiError {
  return new CqiError(
    "CQI_BUS_HANDLER_TIMEOUT",
    `Handler of '${info.topic}' took over ${limitMs} ms`,
  );
}

/** Says that nobody knows the type of an event. */
export function unknownType(topic: string, type: string | undefined): CqiError {
  const shown = type === undefined ? "no type" : `type '${messageOf(type).slice(0, 128)}'`;
  return new CqiError(
    "CQI_CONTRACT_UNKNOWN",
    `Cannot decode an event of '${topic}': it has ${shown}, wanted a message of the contracts`,
  );
}
