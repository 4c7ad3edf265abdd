import type { DescMessage } from "@bufbuild/protobuf";
import type { Histogram } from "../core/mod.ts";
import type { Cuttable, Deadlines } from "./_deadlines.ts";
import type { Gate } from "./_dependencies.ts";
import type { BusRecord } from "./driver.ts";
import type { Rest } from "./lanes.ts";
import type { Delivery, StartAt, SubscriptionInfo } from "./types.ts";

/** A handler and what it asked for. */
export interface Registration {
  readonly info: SubscriptionInfo;
  /** Topic name without the prefix. */
  readonly topic: string;
  /** What it declares, or undefined when each record's own type decides. */
  readonly schema: DescMessage | undefined;
  /** The handler inside its middleware; what it gives may be a promise. */
  readonly handle: (delivery: Delivery, info: SubscriptionInfo) => unknown;
  /** Bounds the time of an attempt. */
  readonly limits: Deadlines;
  /** Takes the time of each attempt. */
  readonly duration: Histogram;
  readonly attempts: number;
  readonly startAt: StartAt;
  /** Holds its events back while something that it depends on is down. */
  readonly gate: Gate | undefined;
  /** Handlers that run at once where it shares its consumer with nobody. */
  readonly concurrency: number;
}

/** How work is told to end. */
export interface Stopping {
  /** Nothing new starts; waits between attempts end. */
  readonly draining: AbortSignal;
  /** Running handlers are aborted: the budget is over. */
  readonly aborting: AbortSignal;
  /** Attempts to be cut short then. */
  readonly underway: Set<Cuttable>;
}

/** How a record ended. An abandoned one is not committed and comes again. */
export type Settled = "handled" | "skipped" | "dead_lettered" | "abandoned";

/** A record and what its partition has to do with its handling. */
export interface Course {
  readonly record: BusRecord;
  readonly stopping: Stopping;
  readonly rest: Rest;
  /** Attempts that failed before, wherever that was. */
  readonly failures: number;
  /** Hears how many attempts have failed by now, before it is tried again. */
  failed(count: number): void;
}
