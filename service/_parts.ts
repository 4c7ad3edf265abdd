import { clone, create, isFieldSet } from "@bufbuild/protobuf";
import * as auths from "../auth/mod.ts";
import * as buses from "../bus/mod.ts";
import * as caches from "../cache/mod.ts";
import { resolveSecret } from "../config/mod.ts";
import type { Instruments } from "../core/mod.ts";
import * as databases from "../database/mod.ts";
import {
  type CacheConfig,
  CacheConfigSchema,
  type CqiConfig,
} from "../gen/ts/cqc/config/v1/mod.ts";
import { ComponentKind } from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import type { Health, HealthService } from "../health/mod.ts";
import { refuse, requireOneOf } from "../internal/options.ts";
import type { OpenOptions, PartName, Parts } from "./types.ts";

const NAMES: readonly PartName[] = ["auth", "bus", "cache", "database"];

/** Opens one thing and remembers to close it. */
export type Step = <T extends { close(): Promise<void> }>(
  part: string,
  start: () => Promise<T>,
) => Promise<T>;

/** What parts are opened with. */
export interface PartsContext {
  readonly given: Instruments;
  readonly health: Health;
  readonly identity: HealthService & { readonly environment: string };
  readonly options: OpenOptions<PartName>;
  readonly step: Step;
  readonly trustedProxyHops: number | undefined;
}

/**
 * Checks names of parts.
 *
 * @throws {CqiError} `CQI_OPTION_INVALID` for a name that is none, with those that are.
 */
export function requireParts(uses: readonly PartName[]): ReadonlySet<PartName> {
  if (!Array.isArray(uses)) refuse("uses", uses, "a list of names of parts");
  return new Set(uses.map((name) => requireOneOf("uses", name, NAMES)));
}

/** Opens the parts that are asked for, in the order in which they may need each other. */
export async function openParts(
  section: CqiConfig,
  wanted: ReadonlySet<PartName>,
  context: PartsContext,
): Promise<Partial<Parts>> {
  const { given, health, identity, options, step } = context;
  const { drivers = {} } = options;
  const parts: { -readonly [K in PartName]?: Parts[K] } = {};
  if (wanted.has("database")) {
    parts.database = await step("database", () =>
      databases.open(section.database, {
        ...given,
        ...drivers.database && { drivers: drivers.database },
      }));
    health.add("database", parts.database, { kind: ComponentKind.DATABASE });
  }
  if (wanted.has("cache")) {
    parts.cache = await step("cache", () =>
      // Services share a Redis: without a prefix of its own each would find the others' values.
      caches.open(withPrefix(section.cache, identity.name), {
        ...given,
        ...drivers.cache && { drivers: drivers.cache },
      }));
    // A service without its cache is slower, not down.
    health.add("cache", parts.cache, { kind: ComponentKind.CACHE, critical: false });
  }
  if (wanted.has("bus")) {
    parts.bus = await step("bus", () =>
      buses.open(section.eventBus, {
        ...given,
        service: identity,
        ...drivers.bus && { drivers: drivers.bus },
      }));
    health.add("bus", parts.bus, { kind: ComponentKind.EVENT_BUS });
  }
  if (wanted.has("auth")) {
    parts.auth = await step("auth", () => openAuth(section, context));
    // Without the issuer's keys open routes and API keys still work.
    health.add("auth", parts.auth, { critical: false });
  } else if (section.auth !== undefined) {
    given.logger.warn("Section 'auth' is not used: add 'auth' to the parts that the service uses", {
      component: "service",
    });
  }
  return parts;
}

function openAuth(section: CqiConfig, context: PartsContext): Promise<auths.Guard> {
  const { given, options, trustedProxyHops: hops } = context;
  return auths.open(section.auth ?? {}, {
    resolveSecret: (ref) => resolveSecret(ref),
    ...hops !== undefined && { source: auths.forwardedFor(hops) },
    ...options.auth,
    ...given,
  });
}

function withPrefix(section: CacheConfig | undefined, name: string): CacheConfig {
  const own = section === undefined ? create(CacheConfigSchema) : clone(CacheConfigSchema, section);
  if (!isFieldSet(own, CacheConfigSchema.field.keyPrefix)) own.keyPrefix = name;
  return own;
}
