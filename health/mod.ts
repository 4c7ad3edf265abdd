/**
 * Health: whether a service lives, has started and can serve, answered over HTTP as the contracts
 * say. Components are asked once for all probes, each with its own limit; liveness looks at loops
 * and never at components.
 *
 * @example Answer the probes of an orchestrator
 * ```ts
 * import { open } from "@cq/cqi/health";
 * import assert from "node:assert/strict";
 *
 * await using health = open({}, { service: { name: "cqpm", version: "1.4.2" } });
 * health.add("database", async () => ({ status: "ok" }));
 * const probe = async (name: string) =>
 *   (await health.handler(new Request(`http://localhost/health/${name}`))).status;
 *
 * assert.deepEqual([await probe("live"), await probe("ready")], [200, 503]);
 * health.started();
 * assert.deepEqual([await probe("live"), await probe("ready")], [200, 200]);
 * health.draining();
 * assert.deepEqual([await probe("live"), await probe("ready")], [200, 503]);
 * ```
 *
 * @module
 */
export { open } from "./open.ts";
export type {
  BeatOptions,
  ComponentOptions,
  Health,
  HealthBeat,
  HealthCheck,
  HealthConfigInit,
  HealthService,
  OpenOptions,
  ReportOptions,
} from "./types.ts";
