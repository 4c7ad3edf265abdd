import { outletOf } from "../bus/mod.ts";
import { instruments, sleep } from "../core/mod.ts";
import { refuse } from "../internal/options.ts";
import { backlogOf, checkBacklog, observeBacklog } from "./_backlog.ts";
import { environment } from "./_environment.ts";
import { inboxOf } from "./_inbox.ts";
import { operations } from "./_operate.ts";
import { type Relay, startRelay } from "./_relay.ts";
import { createTables, tablesOf } from "./_tables.ts";
import { writer } from "./_writer.ts";
import { idempotency } from "./idempotency.ts";
import { type OutboxSettings, settingsOf } from "./settings.ts";
import type { OpenOptions, Outbox } from "./types.ts";

// How often `drained` looks.
const DRAIN_POLL_MS = 20;

/**
 * Opens an outbox over a database and a bus: makes its tables exist, and starts a relay that sends
 * what transactions publish.
 *
 * @param section Schema, lease, bounds, retention; `{}` has all defaults.
 * @param options Bus, database, logger, metrics, clock, randomness.
 * @throws {CqiError} `CQI_OPTION_INVALID` for a setting out of bounds,
 * `CQI_DATABASE_IDENTIFIER_INVALID` for a bad schema name, `CQI_DATABASE_MIGRATION`.
 *
 * @example State and event in one commit
 * ```ts
 * import { bus, database, outbox } from "@cq/cqi";
 * import { RiskAlertSchema } from "@cq/cqi/cqc/events/v1";
 * import assert from "node:assert/strict";
 *
 * await using db = await database.open({});
 * await using events = await bus.open({});
 * await using box = await outbox.open({}, { bus: events, database: db });
 * await db.sql`create table limits (portfolio text primary key, breached boolean not null)`;
 *
 * const alert = {
 *   alertId: crypto.randomUUID(),
 *   alertType: 1,
 *   severity: 1,
 *   message: "position is large",
 *   portfolioId: crypto.randomUUID(),
 *   detectedAt: { seconds: 1_767_225_600n },
 * } as const;
 * const { eventId } = await box.transaction(async (tx) => {
 *   await tx.sql`insert into limits values (${alert.portfolioId}, true)`;
 *   return await tx.publish(RiskAlertSchema, alert);
 * });
 *
 * for await (const delivery of events.subscribe(RiskAlertSchema)) {
 *   assert.equal(delivery.eventId, eventId);
 *   break;
 * }
 * ```
 */
export async function open(
  section: OutboxSettings | undefined,
  options: OpenOptions,
): Promise<Outbox> {
  const settings = settingsOf(section === undefined ? {} : section);
  if (typeof options !== "object" || options === null) {
    refuse("options", options, "an object with bus and database");
  }
  const { bus, database: db } = options;
  if (typeof db?.transaction !== "function") refuse("database", db, "what database.open gave");
  const given = instruments(options);
  const parts = { settings, tables: tablesOf(settings.schema), bus, outlet: outletOf(bus), db };
  const env = environment(given, parts);
  if (settings.migrate) await createTables(db, settings.schema);

  const stopObserving = observeBacklog(env, given);
  const relay: Relay | undefined = settings.relay ? startRelay(env) : undefined;
  const wake = (): void => relay?.wake();
  const within = writer(env, wake);
  let closing: Promise<void> | undefined;
  const close: Outbox["close"] = (wait = {}) =>
    closing ??= (async () => {
      stopObserving();
      await relay?.close(wait);
    })();

  return {
    transaction: (fn, run) => db.transaction((tx) => fn(within(tx)), run),
    within,
    ...inboxOf(env, within),
    idempotency: (wanted) => idempotency(env, wanted),
    backlog: (wait = {}) => backlogOf(env, wait),
    async drained({ signal } = {}) {
      wake();
      while ((await backlogOf(env, { signal })).pending > 0) {
        await sleep(env.clock, DRAIN_POLL_MS, { signal });
      }
    },
    ...operations(env, wake),
    check: (wait = {}) => checkBacklog(env, wait),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
