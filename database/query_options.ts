import type { DurationInput, WaitOptions } from "../core/mod.ts";

/** How one query is run. */
export interface QueryOptions extends WaitOptions {
  /**
   * Names the operation in metrics, spans and logs; a fixed word, low in variety, such as
   * `load_position`. @default {the statement's first keyword}
   */
  readonly name?: string;
  /** Time it may take, without the wait for a connection. @default {query_timeout} */
  readonly timeout?: DurationInput;
  /**
   * Whether it may be run again when its answer was lost. Decides between
   * `CQI_DATABASE_UNAVAILABLE`, which is retryable, and `CQI_DATABASE_OUTCOME_UNKNOWN`.
   * @default {true for select, show, values, table and explain}
   */
  readonly idempotent?: boolean;
}
