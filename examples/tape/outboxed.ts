import { database, outbox } from "../../mod.ts";
import { countTrade } from "./candles.ts";
import { alerts, orders, positions, prices } from "./events.ts";
import type { Handlers } from "./handlers.ts";
import { bookOrder } from "./portfolio.ts";
import { alertOn } from "./risk.ts";
import type { TapeService } from "./run.ts";
import type { TapeSettings } from "./settings.ts";
import { decideOn, type StrategyState } from "./strategy.ts";

// Longer than any run: an event that is gone cannot be sent again.
const KEPT = "3650d";

/**
 * Handlers whose state, note of the event and new events are one commit each. When the process is
 * killed, at whatever moment, the next run goes on where the database says.
 */
export async function outboxedHandlers(
  app: TapeService,
  tape: TapeSettings,
): Promise<Handlers> {
  const { bus, database: db, logger, metrics, tracer } = app;
  const { marketId } = tape;
  const box = await outbox.open({ retention: KEPT, inboxRetention: KEPT }, {
    bus,
    database: db,
    logger,
    metrics,
    tracer,
  });
  const stopChecking = app.health.add("outbox", box);
  const TABLE = database.sql.identifier("cqi", "outbox");

  return {
    async subscribe(options) {
      await Promise.all([
        box.subscribe(prices, async (event, tx) => {
          if (event.price === undefined) return;
          const known = await tx.sql<StrategyState>`
            select reference, position from strategies where market_id = ${marketId}`.maybeOne();
          const { state, order } = await decideOn(event, known, tape);
          if (known !== undefined && order === undefined) return;
          await tx.sql`
            insert into strategies values (${marketId}, ${state.reference}, ${state.position})
            on conflict (market_id) do update
            set reference = excluded.reference, position = excluded.position`;
          if (order !== undefined) await tx.publish(orders, order);
        }, options("strategy")),
        box.subscribe(prices, countTrade, options("candles")),
        box.subscribe(orders, async (event, tx) => {
          const change = await bookOrder(event, tx, tape);
          if (change !== undefined) await tx.publish(positions, change);
        }, options("portfolio")),
        box.subscribe(positions, async (event, tx) => {
          const alert = await alertOn(event, tape);
          if (alert !== undefined) await tx.publish(alerts, alert);
        }, options("risk")),
      ]);
    },
    async resume({ signal }) {
      // The bus in memory went with the process that was killed, and so did the cache and what was
      // summed up from events. They are sent again; what was handled says so and is skipped.
      await box.resend({ signal });
      const row = await db.sql<{ line: number }>`
        select line from tape_progress where market_id = ${marketId}`.with({ signal }).maybeOne();
      return row?.line ?? 0;
    },
    async publish(batch, { signal }) {
      await box.transaction(async (tx) => {
        for (const { event } of batch) await tx.publish(prices, event);
        await tx.sql`
          insert into tape_progress values (${marketId}, ${batch.at(-1)!.line})
          on conflict (market_id) do update set line = excluded.line`;
      }, { signal });
    },
    async published(topic) {
      // The outbox has the name on the log, with the prefix that the configuration puts before it.
      const { count } = await db.sql<{ count: bigint }>`
        select count(*) from ${TABLE}
        where right(topic, length(${topic}::text)) = ${topic}`.one();
      return Number(count);
    },
    async isIdle() {
      // Nothing is under way when all that is written has been sent and handled, and nothing was
      // written meanwhile.
      const written = async (): Promise<bigint> =>
        (await db.sql<{ count: bigint }>`select count(*) from ${TABLE}`.one()).count;
      const before = await written();
      if ((await box.backlog()).pending > 0) return false;
      if ((await bus.lag()).some(({ lag }) => lag > 0n)) return false;
      return await written() === before;
    },
    async [Symbol.asyncDispose]() {
      stopChecking();
      await box.close();
    },
  };
}
