import { CqiError } from "../../errors/mod.ts";

/** What comes of a record behind one of its key that failed: retryable, and not on the log. */
export function behind(topic: string, cause: Error): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish on '${topic}' yet: an earlier event of its key failed, this one was not tried`,
    { cause, details: { outcome: "not_written" } },
  );
}
