/**
 * The cache, as `@cq/cqi/cache`, with `open` wired for edge workers.
 *
 * @module
 */
import * as base from "../../cache/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../cache/mod.ts";

/**
 * `open` of `@cq/cqi/cache`, with the drivers of this entry point; those handed in are added.
 *
 * @param section The section of the configuration; `{}` gives the embedded driver.
 * @param options As there.
 */
export function open(
  section: base.CacheConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.Cache> {
  return base.open(section, { ...options, drivers: { ...DRIVERS.cache, ...options.drivers } });
}
