import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HealthStatus } from "../core/mod.ts";
import {
  type ComponentHealth,
  ComponentHealthSchema,
  ComponentKind,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  ServiceStatus,
} from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import type { BeatState } from "./_beats.ts";
import type { Component } from "./_component.ts";

// Bounds of cqc.infrastructure.v1.ComponentHealth.
const MAX_TEXT = 1024;
const MAX_NAME = 64;
const MAX_DETAILS = 32;
// What stands for the version in public answers: the contract wants some text.
const HIDDEN = "hidden";

/** The contract's word for a status. */
export const STATUS_OF: Readonly<Record<HealthStatus, ServiceStatus>> = {
  ok: ServiceStatus.HEALTHY,
  degraded: ServiceStatus.DEGRADED,
  down: ServiceStatus.UNHEALTHY,
};

// What checks and drivers say is text from outside: cut to the bounds, halves of pairs mended.
function bounded(text: unknown, max: number): string {
  return String(text).slice(0, max).replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

/** What is known of a component, in the contract's words. */
export function componentHealth({ settings, state }: Component): ComponentHealth | undefined {
  if (state === undefined) return undefined;
  const details = Object.entries(state.details)
    .filter(([name, value]) => name !== "" && value !== undefined)
    .slice(0, MAX_DETAILS)
    .map(([name, value]) => [bounded(name, MAX_NAME), bounded(value, MAX_TEXT)]);
  return create(ComponentHealthSchema, {
    name: settings.name,
    kind: settings.kind,
    status: STATUS_OF[state.status],
    critical: settings.critical,
    ...(state.message === undefined ? {} : { message: bounded(state.message, MAX_TEXT) }),
    latency: durationFromMs(Math.max(0, Math.round(state.latencyMs))),
    checkedAt: timestampFromMs(Math.round(state.checkedAt)),
    consecutiveFailures: state.failures,
    details: Object.fromEntries(details),
  });
}

/** What is known of a loop, in the contract's words. */
export function beatHealth({ name, alive, message, at }: BeatState): ComponentHealth {
  return create(ComponentHealthSchema, {
    name,
    kind: ComponentKind.OTHER,
    status: alive ? ServiceStatus.HEALTHY : ServiceStatus.UNHEALTHY,
    critical: true,
    ...(message === undefined ? {} : { message: bounded(message, MAX_TEXT) }),
    checkedAt: timestampFromMs(Math.round(at)),
  });
}

/**
 * What everyone may see of an answer: statuses by component. No version, instance, uptime, latency,
 * message or detail.
 *
 * @param showComponents False leaves out the components as well.
 */
export function publicAnswer(
  { status, serviceName, components, checkedAt }: HealthCheckResponse,
  showComponents: boolean,
): HealthCheckResponse {
  const shown = showComponents ? components : [];
  return create(HealthCheckResponseSchema, {
    status,
    serviceName,
    serviceVersion: HIDDEN,
    components: shown.map((one): MessageInitShape<typeof ComponentHealthSchema> => ({
      name: one.name,
      kind: one.kind,
      status: one.status,
      critical: one.critical,
      ...(one.checkedAt === undefined ? {} : { checkedAt: one.checkedAt }),
    })),
    ...(checkedAt === undefined ? {} : { checkedAt }),
  });
}
