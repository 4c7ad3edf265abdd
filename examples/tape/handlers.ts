import type { bus } from "../../mod.ts";
import type { PriceUpdated } from "../../gen/ts/cqc/events/v1/mod.ts";

/** A trade of the tape as it is published. */
export interface TapeEvent {
  /** Its line in the tape. */
  readonly line: number;
  readonly event: PriceUpdated;
}

interface Waiting {
  readonly signal: AbortSignal;
}

/** What strategy, candles, portfolio and risk do with events, and how events are published. */
export interface Handlers extends AsyncDisposable {
  /** Subscribes them. */
  subscribe(
    options: (
      name: string,
    ) => { readonly group: string } & Pick<bus.SubscribeOptions, "middleware">,
  ): Promise<void>;
  /** Picks up what an earlier run left: the line of the tape up to which all is published. */
  resume(options: Waiting): Promise<number>;
  /** Publishes trades, in order. */
  publish(batch: readonly TapeEvent[], options: Waiting): Promise<void>;
  /** Events that were published on a topic, over all runs; undefined where this run is the only one. */
  published(topic: string): Promise<number | undefined>;
  /** Whether nothing is under way any more. */
  isIdle(): Promise<boolean>;
}
