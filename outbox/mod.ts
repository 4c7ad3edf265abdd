/**
 * Outbox and inbox: events that commit with the data, and events that are handled once. A
 * transaction publishes with `tx.publish`, a relay sends what has committed; a handler with an
 * inbox writes its state, the note that it has handled the event, and new events in one commit.
 *
 * @example Each event handled once, and what follows from it published with it
 * ```ts
 * import { bus, database, outbox } from "@cq/cqi";
 * import { RiskAlertSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * await using db = await database.open({});
 * await using events = await bus.open({});
 * await using box = await outbox.open({}, { bus: events, database: db });
 * await db.sql`create table alerts (id text primary key)`;
 *
 * await box.subscribe(RiskAlertSchema, async (alert, tx) => {
 *   await tx.sql`insert into alerts values (${alert.alertId})`;
 * }, { group: "watch" });
 *
 * const alert = {
 *   eventId: crypto.randomUUID(),
 *   alertId: crypto.randomUUID(),
 *   alertType: 1,
 *   severity: 1,
 *   message: "position is large",
 *   portfolioId: crypto.randomUUID(),
 *   detectedAt: { seconds: 1_767_225_600n },
 * } as const;
 * await events.publish(RiskAlertSchema, alert);
 * await events.publish(RiskAlertSchema, alert);
 * while ((await events.lag()).some(({ lag }) => lag > 0n));
 * assert.equal((await db.sql`select * from alerts`).length, 1);
 * ```
 *
 * @module
 */
export type { IdempotencyOptions } from "./idempotency.ts";
export { MIGRATION_TABLE, outboxMigrations } from "./migrations.ts";
export { open } from "./open.ts";
export type { OutboxSettings } from "./settings.ts";
export type {
  Backlog,
  Enqueued,
  HandlerOptions,
  InboxHandler,
  InboxSubscribeOptions,
  InboxTransaction,
  OpenOptions,
  Outbox,
  OutboxTransaction,
  ParkedEvent,
  ResendOptions,
} from "./types.ts";
