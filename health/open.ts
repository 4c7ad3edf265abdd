import { create } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { HealthConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { refuse, requireSection } from "../internal/options.ts";
import { DefaultHealth } from "./_health.ts";
import type { Health, HealthConfigInit, OpenOptions } from "./types.ts";

/**
 * Makes the health of a service from the health section of the configuration.
 *
 * @param section Path, limits, thresholds, and who sees details; `{}` has all defaults.
 * @param options What the service is called, instruments, and who is authorised.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks its rules.
 *
 * @example
 * ```ts
 * import { health } from "@cq/cqi";
 * import assert from "node:assert/strict";
 *
 * await using service = health.open({}, { service: { name: "cqpm", version: "1.4.2" } });
 * service.add("cache", () => false, { critical: false });
 * service.started();
 *
 * const response = await service.handler(new Request("http://localhost/health/ready"));
 * assert.equal(response.status, 200);
 * assert.equal((await response.json()).status, "SERVICE_STATUS_DEGRADED");
 * ```
 */
export function open(section: HealthConfigInit, options: OpenOptions): Health {
  const config = create(HealthConfigSchema, requireSection("health", section));
  validate(HealthConfigSchema, config);
  for (const name of ["name", "version"] as const) {
    const value = options.service[name];
    const isText = typeof value === "string" && value !== "" && value.length <= 100;
    if (!isText) refuse(`service.${name}`, value, "a text of 1 to 100 characters");
  }
  return new DefaultHealth(config, options);
}
