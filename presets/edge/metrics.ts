/**
 * Metrics, as `@cq/cqi/metrics`, with `open` wired for edge workers.
 *
 * @module
 */
import { clone, create, isFieldSet } from "@bufbuild/protobuf";
import { MetricsConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { requireSection } from "../../internal/options.ts";
import * as base from "../../metrics/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../metrics/mod.ts";

/**
 * `open` of `@cq/cqi/metrics` for workers. No client of metrics runs in one, and nobody scrapes it,
 * so metrics are off unless the section names a driver, and that driver is handed in.
 *
 * @param section The section of the configuration; `{}` is metrics that count nothing.
 * @param options As there.
 */
export async function open(
  section: base.MetricsConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.MetricsRegistry> {
  const config = create(MetricsConfigSchema, requireSection("metrics", section));
  const { driver, enabled } = MetricsConfigSchema.field;
  const drivers = { ...DRIVERS.metrics, ...options.drivers };
  if ([driver, enabled].some((field) => isFieldSet(config, field))) {
    return await base.open(config, { ...options, drivers });
  }
  const off = clone(MetricsConfigSchema, config);
  off.enabled = false;
  return await base.open(off, { ...options, drivers });
}
