/**
 * Logging, as `@cq/cqi/logging`, with `open` wired for servers.
 *
 * @module
 */
import * as base from "../../logging/mod.ts";
import { stdio } from "./_drivers.ts";

export * from "../../logging/mod.ts";

/**
 * `open` of `@cq/cqi/logging`, writing to the process's own output unless told otherwise.
 *
 * @param section The `log` section of the configuration.
 * @param options As there.
 */
export function open(
  section: base.LogConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.OpenLogger> {
  return base.open(section, { sink: stdio, ...options });
}
