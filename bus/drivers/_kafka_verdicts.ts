// What follows from a broker's answer to a batch.

import { CqiError } from "../../errors/mod.ts";
import type { Part } from "./_kafka_parts.ts";

/** Batches with one bad record are cut in two until it stands alone. */
export const DIVISIBLE: ReadonlySet<string> = new Set([
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
]);
/** Answers after which the batch may yet be on the log. */
export const UNSURE: ReadonlySet<string> = new Set([
  "REQUEST_TIMED_OUT",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
]);
/** The broker does not know what came before: begin a sequence anew. */
export const LOST_PLACE: ReadonlySet<string> = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
]);
/** Somebody else has our id: take another. */
export const FENCED: ReadonlySet<string> = new Set([
  "INVALID_PRODUCER_EPOCH",
  "PRODUCER_FENCED",
  "INVALID_PRODUCER_ID_MAPPING",
]);

/** What the caller of a batch hears that was given up. */
export function abandoned(part: Part): CqiError {
  if (!part.unsure) return neverSent(part.topic, part.trouble);
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish on '${part.topic}': not acknowledged in time, the event may or may not have ` +
      `been written`,
    { cause: part.trouble, details: { outcome: "unknown" } },
  );
}

/** The same where it is sure that nothing was written. */
export function neverSent(topic: string, trouble: CqiError | undefined): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish on '${topic}': Kafka was away for too long, the event was not written`,
    { cause: trouble, details: { outcome: "not_written" } },
  );
}
