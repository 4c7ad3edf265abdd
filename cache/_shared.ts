import type { Clock, Counter, Family, Logger, Random, Tracer } from "../core/mod.ts";
import type { Deletions } from "./_after_commit.ts";
import type { Flights } from "./_flights.ts";
import type { Guard } from "./_guard.ts";
import type { Tags } from "./_tags.ts";
import type { Tier } from "./_tier.ts";

/** Labels of `cache_operations_total`. */
export type OperationLabel = "keyspace" | "op" | "result";

/** What all keyspaces of a cache share. */
export interface Shared {
  readonly guard: Guard;
  readonly flights: Flights;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly operations: Family<OperationLabel, Counter>;
  readonly keyPrefix: string;
  /** Gives bytes for what is stored; undefined: each its own, since the driver keeps them. */
  readonly allocate: ((length: number) => Uint8Array) | undefined;
  readonly tags: Tags;
  readonly deletions: Deletions;
  readonly tier: Tier;
}

/** A value that may be served, or that is known to be absent. */
export type Found<V> =
  | {
    readonly result: "hit" | "stale";
    readonly value: V;
    readonly payload: Uint8Array;
    /** Milliseconds since it stopped being fresh. */
    readonly staleMs: number;
    /** What is stored, byte for byte; undefined when the backend is lost. */
    readonly stored: Uint8Array | undefined;
    /** Tags of a value past its time. */
    readonly tags?: readonly string[];
  }
  | { readonly result: "negative" };

/** What a look into the cache found. */
export type Read<V> = Found<V> | {
  readonly result: "miss" | "corrupt" | "error";
  /** What is stored and cannot be served. */
  readonly stored?: Uint8Array;
};

/** What a function throws at once is a rejection like any other. */
export function settled<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return fn();
  } catch (error) {
    return Promise.reject(error);
  }
}
