/**
 * Services, as `@cq/cqi/service`, with `open` wired for servers.
 *
 * @module
 */
import * as base from "../../service/mod.ts";
import { DRIVERS, stdio } from "./_drivers.ts";

export * from "../../service/mod.ts";

/**
 * `open` of `@cq/cqi/service`, with the drivers of this entry point; those handed in are added.
 *
 * @typeParam P Names of the parts that are used.
 * @param config The configuration; see `config.load`.
 * @param options As there.
 */
export function open<P extends base.PartName = never>(
  config: base.ServiceConfigInit,
  options: base.OpenOptions<P> = {},
): Promise<base.Service<P>> {
  const { drivers = {} } = options;
  return base.open(config, {
    sink: stdio,
    ...options,
    drivers: {
      bus: { ...DRIVERS.bus, ...drivers.bus },
      cache: { ...DRIVERS.cache, ...drivers.cache },
      database: { ...DRIVERS.database, ...drivers.database },
      http: { ...DRIVERS.http, ...drivers.http },
      metrics: { ...DRIVERS.metrics, ...drivers.metrics },
      tracing: { ...DRIVERS.tracing, ...drivers.tracing },
    },
  });
}
