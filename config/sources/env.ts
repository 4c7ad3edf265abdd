import { refuse } from "../../internal/options.ts";
import type { ConfigSource } from "../source.ts";

/** Which variables are settings. */
export interface EnvOptions {
  /** What their names begin with; `_` follows it. @default {"CQI"} */
  readonly prefix?: string;
  /** Names with the prefix that are not settings, so that they are not taken for mistakes. */
  readonly ignore?: readonly string[];
}

const PREFIX_REGEXP = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * Environment variables, named after the settings: `CQI_DATABASE_POSTGRES_HOST` sets
 * `database.postgres.host`. A list is given as `a,b,c` or by number (`_0`, `_1`), a map as
 * `a=1,b=2` or by name. A variable for a secret is referred to, not copied. One with the prefix
 * that fits no setting is a mistake.
 *
 * @param options Prefix, and names to leave alone.
 *
 * @example
 * ```ts
 * import { env, load } from "@cq/cqi/config";
 * import assert from "node:assert/strict";
 *
 * const { cqi } = await load({
 *   sources: [env({ prefix: "CQI" })],
 *   variables: {
 *     CQI_SERVICE_NAME: "tape",
 *     CQI_SERVICE_VERSION: "1.0.0",
 *     CQI_SERVICE_ENVIRONMENT: "test",
 *     CQI_DATABASE_QUERY_TIMEOUT: "1m30s",
 *   },
 * });
 * assert.equal(cqi.database?.queryTimeout?.seconds, 90n);
 * ```
 */
export function env(options: EnvOptions = {}): ConfigSource {
  const { prefix = "CQI", ignore = [] } = options;
  if (!PREFIX_REGEXP.test(prefix)) {
    refuse("prefix", prefix, "upper-case letters, digits and '_', beginning with a letter");
  }
  const start = prefix.endsWith("_") ? prefix : `${prefix}_`;
  const ignored = new Set(ignore);
  return {
    name: "environment",
    read: (context) => {
      const values = new Map<string, string>();
      for (const [name, value] of context.variables()) {
        if (name.startsWith(start) && !ignored.has(name)) values.set(name, value);
      }
      return Promise.resolve({ variables: { prefix: start, values } });
    },
  };
}
