import type { WaitOptions } from "../core/mod.ts";
import { refuse } from "../internal/options.ts";
import type { Environment } from "./_environment.ts";
import { sweeper } from "./_sweeper.ts";
import type { Outbox, ParkedEvent } from "./types.ts";

interface Row {
  readonly id: bigint;
  readonly event_id: string;
  readonly topic: string;
  readonly key: string | null;
  readonly error: string | null;
  readonly parked_at: Date;
  readonly behind: bigint;
}

const MOST = 1000;

/** What an operator does about parked events. */
export function operations(
  env: Environment,
  wake: () => void,
): Pick<Outbox, "parked" | "retry" | "discard" | "resend"> {
  const { db, logger, tables: { outbox } } = env;
  const sweep = sweeper(env);

  const change = async (
    id: bigint,
    action: "retry" | "discard",
    options: WaitOptions,
  ): Promise<boolean> => {
    if (typeof id !== "bigint") refuse("id", id, "the id of a parked event, a bigint");
    const query = action === "retry"
      ? db.sql`
        update ${outbox} set parked_at = null, retry_at = null, attempts = 0, error = null
        where id = ${id} and published_at is null and parked_at is not null and behind is null`
      : db.sql`
        delete from ${outbox}
        where id = ${id} and published_at is null and parked_at is not null and behind is null`;
    const name = `outbox_${action}`;
    const changed = await query.with({ name, signal: options.signal, idempotent: true }).execute();
    if (changed === 0) return false;
    logger.info(action === "retry" ? "Parked event is sent again" : "Parked event discarded", {
      outbox_id: id,
    });
    await sweep.free(options);
    wake();
    return true;
  };

  return {
    async parked({ signal } = {}): Promise<ParkedEvent[]> {
      const rows = await db.sql<Row>`
        select p.id, p.event_id, p.topic, p.key, p.error, p.parked_at, (
          select count(*) from (
            select from ${outbox} w
            where p.key is not null and w.topic = p.topic and w.key = p.key and w.id > p.id
              and w.published_at is null
            limit ${MOST}
          ) counted
        ) as behind
        from ${outbox} p
        where p.published_at is null and p.parked_at is not null and p.behind is null
        order by p.id limit ${MOST}`.with({ name: "outbox_parked", signal, idempotent: true });
      return rows.map((row) => ({
        id: row.id,
        eventId: row.event_id,
        topic: row.topic,
        key: row.key ?? undefined,
        error: row.error ?? "",
        parkedAt: row.parked_at,
        behind: Number(row.behind),
      }));
    },
    async resend({ since, signal } = {}): Promise<number> {
      if (since !== undefined && !(since instanceof Date && Number.isFinite(since.getTime()))) {
        refuse("since", since, "a valid Date");
      }
      // In one statement: in steps, events of a later step could be overtaken by new ones.
      const again = await db.sql`
        update ${outbox} set published_at = null, attempts = 0
        where published_at is not null
          and created_at >= coalesce(${since ?? null}::timestamptz, '-infinity')`
        .with({ name: "outbox_resend", signal, timeout: Infinity, idempotent: true }).execute();
      logger.info("Events are sent again", { events: again });
      wake();
      return again;
    },
    retry: (id, options = {}) => change(id, "retry", options),
    discard: (id, options = {}) => change(id, "discard", options),
  };
}
