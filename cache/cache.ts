import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  type Checkable,
  type HealthReport,
  type Instruments,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { CqiError, messageOf } from "../errors/mod.ts";
import { Deletions } from "./_after_commit.ts";
import { createCounters, StoreBytesKeyspace } from "./_bytes.ts";
import { BYTES_CODEC, createAllocator, createCopier, messageCodec } from "./_codec.ts";
import { Flights } from "./_flights.ts";
import { Guard } from "./_guard.ts";
import { StoreKeyspace } from "./_keyspace.ts";
import { type Defaults, readSettings } from "./_settings.ts";
import type { Shared } from "./_shared.ts";
import { Store } from "./_store.ts";
import { Tags } from "./_tags.ts";
import { Tier } from "./_tier.ts";
import type {
  BytesKeyspace,
  Counters,
  CountersOptions,
  Keyspace,
  KeyspaceOptions,
} from "./keyspace.ts";
import type { CacheDriver } from "./types.ts";

/** Settings of a keyspace of bytes. */
export type BytesOptions = Pick<
  KeyspaceOptions,
  "name" | "ttl" | "jitter" | "loadTimeout" | "lease" | "near"
>;

/** A cache: typed keyspaces over one driver. */
export interface Cache extends Checkable, AsyncDisposable {
  /** Name of its driver. */
  readonly driver: string;
  /**
   * The values of one message type under one name. Asking twice gives two views of the same values.
   * The type's name is part of every key, so that another type under this name is another keyspace.
   *
   * @param schema Descriptor of the message. Fields that this version does not know are kept.
   * @param options Its name, and how long values are kept.
   */
  keyspace<Desc extends DescMessage>(
    schema: Desc,
    options: KeyspaceOptions,
  ): Keyspace<MessageShape<Desc>, MessageInitShape<Desc>>;
  /**
   * Bytes under one name.
   *
   * @param options Its name, and how long values are kept.
   */
  bytes(options: BytesOptions): BytesKeyspace;
  /**
   * Whole numbers under one name, for counting across all who share the backend. Needs the feature
   * `atomic` of the driver (`CQI_FEATURE_UNSUPPORTED`).
   *
   * @param options Its name, and how long a number lives.
   */
  counters(options: CountersOptions): Counters;
  /**
   * Whether the backend answers. A service works without its cache, only slower: count it as
   * degraded, not as down.
   *
   * @param options A signal that ends the wait.
   */
  check(options?: WaitOptions): Promise<HealthReport>;
  /** Ends running loads with `CQI_CLOSED` and closes the driver. May be called twice. */
  close(): Promise<void>;
}

/** Makes a cache over a driver. */
export function createCache(driver: CacheDriver, env: Instruments, defaults: Defaults): Cache {
  const { clock, random, tracer } = env;
  const logger = env.logger.child({ component: "cache" });
  const guard = new Guard({ driver, clock, logger, timeoutMs: defaults.operationTimeoutMs });
  const flights = new Flights(clock);
  const operations = env.metrics.counter({
    name: "cache_operations_total",
    help: "Operations of the cache by keyspace and result.",
    labels: ["keyspace", "op", "result"],
  });
  const { keyPrefix, operationTimeoutMs } = defaults;
  const deletions = new Deletions({ clock, logger });
  const tags = new Tags(guard, { clock, random }, keyPrefix);
  const bounds = defaults.near;
  const tier = new Tier({ guard, clock, flights, random, logger, keyPrefix, bounds });
  // What goes over a network is not kept.
  const allocate = driver.features.remote ? createAllocator() : undefined;
  const given = { clock, random, logger, tracer, operations, keyPrefix, allocate };
  const shared: Shared = { ...given, guard, flights, deletions, tags, tier };
  const copy = createCopier();
  let closing: Promise<void> | undefined;
  const shut = async (): Promise<void> => {
    guard.close();
    deletions.close();
    const loads = flights.close(
      new CqiError("CQI_CLOSED", "Cannot load into the cache: it is closed"),
    );
    try {
      // A remote driver's calls end by themselves; a driver that never answers must not hold us.
      await withDeadline(clock, operationTimeoutMs * 2, () => loads);
    } catch (error) {
      logger.debug("Cache closes while loads still end", { error });
    }
    await driver.close();
  };
  const close = (): Promise<void> => closing ??= shut();
  return {
    driver: driver.name,
    keyspace(schema, options) {
      const codec = messageCodec(schema, copy);
      return new StoreKeyspace(new Store(shared, readSettings(options, defaults), codec));
    },
    bytes({ name, ttl, jitter, loadTimeout, lease, near }) {
      const given = Object.fromEntries(
        Object.entries({ ttl, jitter, loadTimeout, lease, near }).filter(([, value]) =>
          value !== undefined
        ),
      );
      const settings = readSettings({ name, ...given }, defaults);
      return new StoreBytesKeyspace(new Store(shared, settings, BYTES_CODEC));
    },
    counters: (options) => createCounters(shared, options, defaults),
    async check({ signal } = {}) {
      const details = { driver: driver.name, breaker: guard.state };
      try {
        guard.requireOpen();
        const report = await withDeadline(
          clock,
          operationTimeoutMs,
          (inner) => driver.check({ signal: inner }),
          { signal, action: "the check of the cache" },
        );
        return { ...report, details: { ...details, ...report.details } };
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        return { status: "down", message: messageOf(error), details };
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
