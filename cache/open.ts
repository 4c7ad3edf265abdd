import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { instruments } from "../core/mod.ts";
import { validate } from "../contracts/mod.ts";
import { CacheConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { requireSection } from "../internal/options.ts";
import { readDefaults } from "./_settings.ts";
import { type Cache, createCache } from "./cache.ts";
import type { OpenOptions } from "./types.ts";

/** The section `cache` of a configuration, as code writes it. */
export type CacheConfigInit = MessageInitShape<typeof CacheConfigSchema>;

/**
 * Opens a cache.
 *
 * @param section The configuration's section `cache`; an empty one is a cache in the memory of the
 * process.
 * @param options Drivers, and what the cache is watched and driven by.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks its rules,
 * `CQI_CACHE_DRIVER_UNKNOWN` for a driver that is not in the table.
 */
export async function open(
  section: CacheConfigInit = {},
  options: OpenOptions = {},
): Promise<Cache> {
  const config = create(CacheConfigSchema, requireSection("cache", section));
  validate(CacheConfigSchema, config);
  const env = instruments(options);
  const name = isFieldSet(config, CacheConfigSchema.field.driver) ? config.driver : "memory";
  const drivers = options.drivers ?? {};
  const module = await loadDriver("cache", name, drivers, "CQI_CACHE_DRIVER_UNKNOWN");
  return createCache(await module.createDriver(config, env), env, readDefaults(config));
}
