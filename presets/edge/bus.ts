/**
 * The event bus, as `@cq/cqi/bus`, with `open` wired for edge workers.
 *
 * @module
 */
import * as base from "../../bus/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../bus/mod.ts";

/**
 * `open` of `@cq/cqi/bus`, with the drivers of this entry point; those handed in are added.
 *
 * @param section The section of the configuration; `{}` gives the embedded driver.
 * @param options As there.
 */
export function open(
  section: base.EventBusConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.Bus> {
  return base.open(section, { ...options, drivers: { ...DRIVERS.bus, ...options.drivers } });
}
