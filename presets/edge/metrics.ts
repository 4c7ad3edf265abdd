/**
 * Metrics, as `@cq/cqi/metrics`, with `open` wired for edge workers.
 *
 * @module
 */
import * as base from "../../metrics/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../metrics/mod.ts";

/**
 * `open` of `@cq/cqi/metrics`, with the drivers of this entry point; those handed in are added.
 *
 * @param section The section of the configuration; `{}` gives the embedded driver.
 * @param options As there.
 */
export function open(
  section: base.MetricsConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.MetricsRegistry> {
  return base.open(section, { ...options, drivers: { ...DRIVERS.metrics, ...options.drivers } });
}
