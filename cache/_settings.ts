import { isFieldSet } from "@bufbuild/protobuf";
import { type DurationInput, durationMs, toMilliseconds } from "../core/mod.ts";
import {
  type CacheConfig,
  CacheConfigSchema,
  type MemoryCacheConfig,
  MemoryCacheConfigSchema,
} from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse, requireNumber } from "../internal/options.ts";
import type { KeyspaceOptions } from "./keyspace.ts";
import type { NearBounds } from "./_near.ts";
import { MAX_TTL_MS, ttlMilliseconds } from "./_ttl.ts";

const NAME_REGEXP = /^[a-z][a-z0-9_.-]{0,63}$/;

/** What the configuration says for all keyspaces, its defaults filled in. */
export interface Defaults {
  readonly keyPrefix: string;
  readonly ttlMs: number;
  readonly jitter: number;
  readonly operationTimeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly maxValueBytes: number;
  /** Bounds of the tier in the process. */
  readonly near: NearBounds;
}

/** Settings of one keyspace; times in milliseconds. */
export interface Settings {
  readonly name: string;
  /** Undefined: no end. */
  readonly ttlMs: number | undefined;
  readonly jitter: number;
  /** Undefined: absence is not remembered. */
  readonly negativeTtlMs: number | undefined;
  readonly revalidateMs: number;
  /** How long past its time a value may be served at all. */
  readonly graceMs: number;
  readonly backoffMs: number;
  readonly softTimeoutMs: number;
  readonly loadTimeoutMs: number;
  /** How long others wait for a process that died while loading; undefined: nobody waits. */
  readonly leaseMs: number | undefined;
  /** How long values are kept in the process too; undefined: they are not. */
  readonly nearTtlMs: number | undefined;
  readonly maxValueBytes: number;
}

/** Reads the section; absent settings get the defaults that their comments in the contract state. */
export function readDefaults(config: CacheConfig): Defaults {
  const has = (field: "keyPrefix" | "ttlJitter" | "maxValueBytes"): boolean =>
    isFieldSet(config, CacheConfigSchema.field[field]);
  return {
    keyPrefix: has("keyPrefix") ? config.keyPrefix : "cqi",
    ttlMs: durationMs(config.defaultTtl, 300_000),
    jitter: has("ttlJitter") ? config.ttlJitter : 0.1,
    operationTimeoutMs: durationMs(config.operationTimeout, 100),
    loadTimeoutMs: durationMs(config.loadTimeout, 30_000),
    maxValueBytes: has("maxValueBytes") ? Number(config.maxValueBytes) : 1_048_576,
    near: nearBounds(config.memory),
  };
}

function nearBounds(memory: MemoryCacheConfig | undefined): NearBounds {
  const bound = (name: "maxEntries" | "maxBytes"): number | undefined =>
    memory !== undefined && isFieldSet(memory, MemoryCacheConfigSchema.field[name])
      ? Number(memory[name])
      : undefined;
  return { maxEntries: bound("maxEntries"), maxBytes: bound("maxBytes") };
}

function positive(name: string, value: DurationInput | undefined, fallbackMs: number): number {
  if (value === undefined) return fallbackMs;
  const ms = toMilliseconds(name, value);
  return ms > 0 ? ms : refuse(name, value, "longer than 0");
}

// What a store has to keep, or a lost message to be made up for, comes to an end.
function bounded(name: string, value: DurationInput | undefined, fallbackMs: number): number {
  const ms = positive(name, value, fallbackMs);
  return ms <= MAX_TTL_MS ? ms : refuse(name, value, "at most 2^31 seconds");
}

/** The name of a keyspace, or `CQI_OPTION_INVALID`. */
export function requireName(name: string): string {
  if (typeof name !== "string" || !NAME_REGEXP.test(name)) {
    refuse("name", name, "of the form '[a-z][a-z0-9_.-]*' with at most 64 characters");
  }
  return name;
}

/** Checks the options of a keyspace and fills in what they leave out. */
export function readSettings(options: KeyspaceOptions, defaults: Defaults): Settings {
  const grace = (name: "staleIfError" | "staleWhileRevalidate"): number =>
    options[name] === undefined ? 0 : toMilliseconds(name, options[name]);
  const revalidateMs = grace("staleWhileRevalidate");
  const graceMs = Math.max(revalidateMs, grace("staleIfError"));
  const loadTimeoutMs = positive("loadTimeout", options.loadTimeout, defaults.loadTimeoutMs);
  if (options.softTimeout !== undefined && graceMs === 0) {
    refuse("softTimeout", options.softTimeout, "left out unless 'staleIfError' is given");
  }
  return {
    name: requireName(options.name),
    ttlMs: options.ttl === undefined ? defaults.ttlMs : ttlMilliseconds(options.ttl),
    jitter: requireNumber("jitter", options.jitter ?? defaults.jitter, 0, 1),
    negativeTtlMs: options.negativeTtl === undefined
      ? undefined
      : ttlMilliseconds(options.negativeTtl, "negativeTtl"),
    revalidateMs,
    graceMs,
    backoffMs: positive("staleBackoff", options.staleBackoff, 1000),
    softTimeoutMs: positive("softTimeout", options.softTimeout, Infinity),
    loadTimeoutMs,
    leaseMs: options.lease === "none"
      ? undefined
      : Math.ceil(bounded("lease", options.lease, 3000)),
    nearTtlMs: options.near === undefined ? undefined : bounded("near", options.near, 0),
    maxValueBytes: defaults.maxValueBytes,
  };
}
