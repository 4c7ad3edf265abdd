/**
 * The database, as `@cq/cqi/database`, with `open` wired for edge workers.
 *
 * @module
 */
import * as base from "../../database/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../database/mod.ts";

/**
 * `open` of `@cq/cqi/database`, with the drivers of this entry point; those handed in are added.
 *
 * @param section The section of the configuration; `{}` gives the embedded driver.
 * @param options As there.
 */
export function open(
  section: base.DatabaseConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.Database> {
  return base.open(section, { ...options, drivers: { ...DRIVERS.database, ...options.drivers } });
}
