import type { DescMessage } from "@bufbuild/protobuf";
import { chain, type Checkable, toMilliseconds } from "../core/mod.ts";
import { refuse, requireInteger } from "../internal/options.ts";
import { handlerTimeout } from "./_attempt.ts";
import { deadlines } from "./_deadlines.ts";
import { gate } from "./_dependencies.ts";
import type { Registration } from "./_course.ts";
import type { Environment } from "./_environment.ts";
import { requireTopicName, type Topics } from "./topic.ts";
import type {
  ConsumeMiddleware,
  Delivery,
  Skip,
  StartAt,
  StreamOptions,
  SubscribeOptions,
  Topic,
} from "./types.ts";

// The rule of event_bus.consumer_group.
const GROUP_REGEXP = /^[a-zA-Z0-9._-]{1,249}$/;

/** Checks what may be given when reading begins; from callers without types it may be anything. */
export function requireReading<T extends StreamOptions & { readonly broadcast?: boolean }>(
  options: T,
): T {
  if (typeof options !== "object" || options === null) {
    refuse("options", options, "an object");
  }
  const { group, startAt, broadcast } = options;
  if (broadcast !== undefined && typeof broadcast !== "boolean") {
    refuse("broadcast", broadcast, "true or false");
  }
  if (broadcast && group !== undefined) {
    refuse("group", group, "absent where broadcast is true: every instance is on its own");
  }
  if (group !== undefined && (typeof group !== "string" || !GROUP_REGEXP.test(group))) {
    refuse("group", group, "1 to 249 characters of [a-zA-Z0-9._-]");
  }
  if (startAt !== undefined && !isStart(startAt)) {
    const wanted = "'earliest', 'latest', a valid Date, or offsets: a Map of partition to bigint";
    refuse("startAt", startAt, wanted);
  }
  if (typeof startAt !== "object" || startAt instanceof Date) return options;
  // The caller's map is the caller's to change.
  return { ...options, startAt: { offsets: new Map(startAt.offsets) } };
}

function isStart(value: StartAt): boolean {
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (typeof value !== "object") return value === "earliest" || value === "latest";
  const offsets: unknown = value?.offsets;
  return offsets instanceof Map &&
    [...offsets].every(([partition, offset]) =>
      Number.isSafeInteger(partition) && partition >= 0 && typeof offset === "bigint" &&
      offset >= 0n
    );
}

function requireCheckable(list: readonly Checkable[]): readonly Checkable[] {
  const isCheckable = (each: Checkable): boolean => typeof each?.check === "function";
  if (Array.isArray(list) && list.every(isCheckable)) return list;
  refuse("dependsOn", list, "a list of what has check(), such as a database or a cache");
}

/** What a subscription says beyond its group and signal. */
export interface Limits extends Omit<SubscribeOptions, "group" | "signal" | "broadcast"> {
  /** Handlers that run at once where the subscription has a consumer of its own. @default {1} */
  readonly concurrency?: number;
}

/** Puts a handler, what it asked for and what the configuration says into one. */
export function registrationOf(
  env: Environment,
  topics: Topics,
  target: string | Topic | DescMessage,
  wanted: {
    readonly handler: (delivery: Delivery) => void | Skip | Promise<void | Skip>;
    readonly group: string | undefined;
    readonly limits: Limits;
    readonly middleware: readonly ConsumeMiddleware[];
  },
): Registration {
  const { settings } = env;
  const { group, limits } = wanted;
  const dependsOn = requireCheckable(limits.dependsOn ?? []);
  const { name, topic } = topics.resolve(target);
  const full = env.nameOf(name);
  // What cannot be dead-lettered would hold its key for ever.
  const buried = group === undefined ? undefined : settings.deadLetterTopic?.(full);
  if (buried !== undefined) requireTopicName(buried);
  const layers = [...wanted.middleware, ...limits.middleware ?? []];
  const info = { topic: full, group };
  const timeoutMs = limits.timeout === undefined
    ? settings.handlerTimeoutMs
    : toMilliseconds("timeout", limits.timeout);
  return {
    info,
    topic: name,
    schema: topic?.schema,
    handle: layers.length === 0 ? wanted.handler : chain(layers, wanted.handler),
    duration: env.metrics.duration.with({ topic: full, group: group ?? "" }),
    limits: deadlines(env.clock, timeoutMs, () => handlerTimeout(info, timeoutMs)),
    attempts: requireInteger("attempts", limits.attempts ?? settings.attempts, 1, 100),
    startAt: limits.startAt ?? settings.startAt,
    gate: dependsOn.length === 0 ? undefined : gate(env.clock, dependsOn),
    // One by one it reads in the order of the log.
    concurrency: limits.concurrency ?? 1,
  };
}
