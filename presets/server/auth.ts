/**
 * Auth, as `@cq/cqi/auth`, with `open` wired for servers.
 *
 * @module
 */
import * as base from "../../auth/mod.ts";
import { resolveSecret } from "../../config/mod.ts";

export * from "../../auth/mod.ts";

/**
 * `open` of `@cq/cqi/auth`, with secrets read from the environment and from files.
 *
 * @param section The `auth` section of the configuration.
 * @param options As there.
 */
export function open(
  section: base.AuthConfigInit = {},
  options: base.OpenOptions = {},
): Promise<base.Guard> {
  return base.open(section, { resolveSecret: (ref) => resolveSecret(ref), ...options });
}
