/**
 * Tracing, as `@cq/cqi/tracing`, with `open` wired for servers.
 *
 * @module
 */
import { resolveSecret } from "../../config/mod.ts";
import * as base from "../../tracing/mod.ts";
import { DRIVERS } from "./_drivers.ts";

export * from "../../tracing/mod.ts";

/**
 * `open` of `@cq/cqi/tracing`, with the drivers of this entry point; those handed in are added.
 *
 * @param section The section of the configuration; `{}` gives the embedded driver.
 * @param options As there.
 */
export function open(
  section: base.TracingConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.OpenTracer> {
  return base.open(section, {
    resolveSecret: (ref) => resolveSecret(ref),
    ...options,
    drivers: { ...DRIVERS.tracing, ...options.drivers },
  });
}
