import { type DurationInput, toMilliseconds } from "../core/mod.ts";
import { refuse, requireInteger, requireSection } from "../internal/options.ts";

/** Settings of an outbox. What is absent has the default that is written beside it. */
export interface OutboxSettings {
  /** Schema of the tables, 1 to 63 bytes. @default {"cqi"} */
  readonly schema?: string;
  /** False writes events and leaves sending and cleaning to other processes. @default {true} */
  readonly relay?: boolean;
  /** True applies the library's migrations when it opens. @default {true} */
  readonly migrate?: boolean;
  /** True tells the relays of other processes of each commit, where the driver can. @default {true} */
  readonly notify?: boolean;
  /**
   * Longest time that the events of a relay which died or froze wait for another one, 100 ms to
   * 10 minutes. A tenth of it is about what two relays' queries may take. @default {"5s"}
   */
  readonly lease?: DurationInput;
  /** How often a relay looks without being told to, 10 ms to 1 hour. @default {"1s"} */
  readonly pollInterval?: DurationInput;
  /** Most events in one call of the bus, 1 to 10,000. @default {500} */
  readonly batchSize?: number;
  /**
   * Most bytes in one call of the bus, 1 KiB to 64 MiB; an event that is larger goes alone. Keep it
   * at or below `event_bus.max_message_bytes`. @default {524288}
   */
  readonly batchBytes?: number;
  /** Delay after the first failure; doubles each time and is spread at random. @default {"100ms"} */
  readonly initialDelay?: DurationInput;
  /** Longest delay between attempts. @default {"30s"} */
  readonly maxDelay?: DurationInput;
  /**
   * Attempts of an event whose topic takes others, 1 or more, before it is parked. While a topic
   * takes nothing at all, attempts are not counted. @default {100}
   */
  readonly maxAttempts?: number;
  /** How long sent events are kept in the table; 0 deletes them at once. @default {"1h"} */
  readonly retention?: DurationInput;
  /**
   * How long the inbox remembers what was handled. Longer than any event may come again: broker
   * retention, dead letters that are replayed. @default {"7d"}
   */
  readonly inboxRetention?: DurationInput;
  /** Age of the oldest waiting event from which health is `degraded`. @default {"1m"} */
  readonly alarmAfter?: DurationInput;
}

/** The settings with their defaults, in milliseconds. */
export interface Settings {
  readonly schema: string;
  readonly relay: boolean;
  readonly migrate: boolean;
  readonly notify: boolean;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly maxAttempts: number;
  readonly retentionMs: number;
  readonly inboxRetentionMs: number;
  readonly alarmMs: number;
}

const HOUR_MS = 3_600_000;
const CENTURY_MS = 100 * 365 * 24 * HOUR_MS;

function flag(name: string, value: boolean | undefined): boolean {
  return value === undefined || typeof value === "boolean"
    ? value ?? true
    : refuse(name, value, "true or false");
}

function within(
  name: string,
  value: DurationInput | undefined,
  fallbackMs: number,
  [minMs, maxMs]: readonly [number, number],
): number {
  const ms = value === undefined ? fallbackMs : toMilliseconds(name, value);
  return ms >= minMs && ms <= maxMs ? ms : refuse(name, ms, `from ${minMs} ms to ${maxMs} ms`);
}

const NAMES: ReadonlySet<string> = new Set<keyof OutboxSettings>([
  "schema",
  "relay",
  "migrate",
  "notify",
  "lease",
  "pollInterval",
  "batchSize",
  "batchBytes",
  "initialDelay",
  "maxDelay",
  "maxAttempts",
  "retention",
  "inboxRetention",
  "alarmAfter",
]);

/** Reads the settings and refuses what is out of bounds or unknown. */
export function settingsOf(section: OutboxSettings): Settings {
  requireSection("outbox", section);
  for (const name of Object.keys(section)) {
    if (!NAMES.has(name)) refuse(name, "", `one of ${[...NAMES].join(", ")}`);
  }
  const { schema = "cqi" } = section;
  if (typeof schema !== "string") refuse("schema", schema, "the name of a schema");
  return {
    schema,
    relay: flag("relay", section.relay),
    migrate: flag("migrate", section.migrate),
    notify: flag("notify", section.notify),
    leaseMs: within("lease", section.lease, 5000, [100, 600_000]),
    pollMs: within("pollInterval", section.pollInterval, 1000, [10, HOUR_MS]),
    batchSize: requireInteger("batchSize", section.batchSize ?? 500, 1, 10_000),
    batchBytes: requireInteger("batchBytes", section.batchBytes ?? 2 ** 19, 2 ** 10, 2 ** 26),
    initialMs: within("initialDelay", section.initialDelay, 100, [0, HOUR_MS]),
    maxMs: within("maxDelay", section.maxDelay, 30_000, [0, HOUR_MS]),
    maxAttempts: requireInteger("maxAttempts", section.maxAttempts ?? 100, 1, 2 ** 31 - 1),
    retentionMs: within("retention", section.retention, HOUR_MS, [0, CENTURY_MS]),
    inboxRetentionMs: within(
      "inboxRetention",
      section.inboxRetention,
      7 * 24 * HOUR_MS,
      [1000, CENTURY_MS],
    ),
    alarmMs: within("alarmAfter", section.alarmAfter, 60_000, [0, CENTURY_MS]),
  };
}
