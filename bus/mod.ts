/**
 * The event bus: typed, valid events of the contracts, published durably and handled at least once,
 * in order per key, with bounded retry and dead letters.
 *
 * @example Publish and handle
 * ```ts
 * import { bus } from "@cq/cqi";
 * import { RiskAlertSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * await using events = await bus.open({});
 * const seen = Promise.withResolvers<string>();
 * await events.subscribe(RiskAlertSchema, (alert) => seen.resolve(alert.message));
 * await events.publish(RiskAlertSchema, {
 *   alertId: crypto.randomUUID(),
 *   alertType: 1,
 *   severity: 1,
 *   message: "position is large",
 *   portfolioId: crypto.randomUUID(),
 *   detectedAt: { seconds: 1_767_225_600n },
 * });
 * assert.equal(await seen.promise, "position is large");
 * ```
 *
 * @module
 */
export { type EventBusConfigInit, open } from "./open.ts";
export { topic, type TopicOptions } from "./topic.ts";
export { HEADER } from "./headers.ts";
export { type Outlet, outletOf } from "./outlet.ts";
export { murmur2, partitionOfKey } from "./murmur2.ts";
export type {
  BusDriver,
  BusDriverModule,
  BusFeatures,
  BusRecord,
  ConsumeOptions,
  DriverConsumer,
  PartitionLag,
  PartitionRange,
  Position,
  RecordSink,
  RecordToSend,
  TopicPartition,
} from "./driver.ts";
export type { Bus, BusIdentity, GroupLag, OpenOptions, RecordStream } from "./bus.ts";
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterReason,
  DeadLetters,
  DeadLetterSelection,
  DeadLetterState,
  MarkOptions,
  ReplayOptions,
  ReplayReport,
} from "./dead_letters.ts";
export type {
  ConsumeMiddleware,
  Delivery,
  EventHandler,
  HeaderValue,
  Published,
  PublishMiddleware,
  PublishOptions,
  Skip,
  StartAt,
  StartOffsets,
  Stream,
  StreamOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionInfo,
  SubscriptionState,
  Topic,
} from "./types.ts";
