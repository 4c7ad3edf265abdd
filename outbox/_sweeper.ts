import type { WaitOptions } from "../core/mod.ts";
import { sql, type SqlFragment } from "../database/mod.ts";
import type { Environment } from "./_environment.ts";

/** Keeps the tables small and parked keys together. */
export interface Sweeper {
  /** How often it is to run, in milliseconds. */
  readonly everyMs: number;
  /** One pass over all tables, in bounded steps. */
  run(options: WaitOptions): Promise<void>;
  /** Lets the events go that wait behind one that is parked no more. */
  free(options: WaitOptions): Promise<void>;
}

// Rows in one statement: short locks, short transactions.
const STEP = 1000;
// Steps in one pass, so that one table's backlog does not keep the others waiting.
const MAX_STEPS = 1000;

/** Makes the sweeper of an outbox. */
export function sweeper({ db, settings, tables }: Environment): Sweeper {
  const { outbox, inbox, idempotency } = tables;
  const shortestMs = Math.min(settings.retentionMs || Infinity, settings.inboxRetentionMs);

  const steps = async (
    name: string,
    statement: SqlFragment,
    { signal }: WaitOptions,
  ): Promise<void> => {
    for (let i = 0; i < MAX_STEPS; i++) {
      signal?.throwIfAborted();
      const changed = await db.sql`${statement}`.with({ name, signal, idempotent: true }).execute();
      if (changed < STEP) return;
    }
  };

  const age = (ms: number): SqlFragment => sql.fragment`now() - ${ms} * interval '1 millisecond'`;

  // An event behind a parked one could not be sent anyway; once it is marked, `fetch` does not
  // read past it again each time.
  const hold = sql.fragment`
    update ${outbox} o set parked_at = now(), behind = h.head
    from (
      select w.id, p.id as head from ${outbox} p
      join ${outbox} w on w.topic = p.topic and w.key = p.key and w.id > p.id
      where p.published_at is null and p.parked_at is not null and p.behind is null
        and w.published_at is null and w.parked_at is null
      limit ${STEP}
    ) h
    where o.id = h.id and o.published_at is null and o.parked_at is null`;

  // In the order of their ids: one that still waits holds back those after it, whoever is freed.
  const free = sql.fragment`
    update ${outbox} o set parked_at = null, behind = null
    from (
      select b.id from ${outbox} b
      where b.behind is not null and not exists (
        select from ${outbox} p
        where p.id = b.behind and p.published_at is null and p.parked_at is not null
      )
      order by b.behind, b.id limit ${STEP}
    ) f
    where o.id = f.id`;

  const drop = (table: SqlFragment, key: SqlFragment, old: SqlFragment): SqlFragment =>
    sql.fragment`
      delete from ${table} where (${key}) in (
        select ${key} from ${table} where ${old} limit ${STEP} for update skip locked
      )`;

  return {
    everyMs: Math.min(60_000, Math.max(1000, shortestMs / 10)),
    free: (options) => steps("outbox_free", free, options),
    async run(options) {
      await steps("outbox_free", free, options);
      await steps("outbox_hold", hold, options);
      const sent = sql.fragment`published_at < ${age(settings.retentionMs)}`;
      await steps("outbox_clean", drop(outbox, sql.fragment`id`, sent), options);
      const handled = sql.fragment`handled_at < ${age(settings.inboxRetentionMs)}`;
      const event = sql.fragment`consumer_group, topic, event_id`;
      await steps("inbox_clean", drop(inbox, event, handled), options);
      const expired = sql.fragment`expires_at < now()`;
      await steps(
        "idempotency_clean",
        drop(idempotency, sql.fragment`scope, key`, expired),
        options,
      );
    },
  };
}
