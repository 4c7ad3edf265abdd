/**
 * What code needs to know of the platform's contracts: the messages by name, their binary and JSON
 * forms, their rules, the topics and keys of events, and exact decimals.
 *
 * @example Check, encode and decode an event
 * ```ts
 * import { decode, encode, eventOptions, validate } from "@cq/cqi/contracts";
 * import { RiskAlertSchema } from "@cq/cqi/cqc/events/v1";
 * import { create } from "@bufbuild/protobuf";
 * import { timestampFromMs } from "@bufbuild/protobuf/wkt";
 * import assert from "node:assert/strict";
 *
 * const alert = create(RiskAlertSchema, {
 *   eventId: "0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d13",
 *   timestamp: timestampFromMs(1_768_469_520_000),
 *   actorId: "service:cqrisk",
 *   alertId: "2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d",
 *   alertType: 3,
 *   severity: 4,
 *   message: "Gross leverage is 5.2, the limit is 5",
 *   detectedAt: timestampFromMs(1_768_469_519_900),
 * });
 * validate(RiskAlertSchema, alert);
 * assert.deepEqual(decode(RiskAlertSchema, encode(RiskAlertSchema, alert)), alert);
 * assert.equal(eventOptions(RiskAlertSchema)?.topic, "cqc.events.v1.risk_alert");
 * ```
 *
 * @module
 */
export {
  decode,
  type DecodeOptions,
  encode,
  fromJson,
  fromJsonString,
  type JsonDecodeOptions,
  type JsonValue,
  toJson,
  toJsonString,
} from "./encode.ts";
export {
  eventOptions,
  type EventRoute,
  eventTypes,
  partitionKeyFields,
  partitionKeyOf,
} from "./event.ts";
export { isAddress } from "./address.ts";
export { identifierConflicts } from "./identifier_conflicts.ts";
export { inconsistencies } from "./inconsistencies.ts";
export { executionMisfits, orderMisfits } from "./order_misfits.ts";
export { isRedacted, redact, REDACTED, toRedactedJson } from "./redact.ts";
export { messageType, messageTypes } from "./registry.ts";
export { validate, type Violation, violations } from "./validate.ts";
export * as decimal from "./decimal.ts";
