import type { RecordToSend } from "../bus/mod.ts";
import { sql } from "../database/mod.ts";
import type { Environment } from "./_environment.ts";
import { readHeaders, type StoredHeaders } from "./_headers.ts";

/** A waiting event as a relay has it in hand. */
export interface WaitingRow {
  readonly id: bigint;
  readonly lane: number;
  readonly attempts: number;
  readonly record: RecordToSend;
}

interface Row {
  readonly id: bigint;
  readonly lane: number;
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: StoredHeaders;
  readonly timestamp_ms: bigint;
  readonly attempts: number;
}

/** A row that could not be sent. */
export interface Failure {
  readonly row: WaitingRow;
  readonly error: string;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
}

/** The statements of a relay. */
export interface Rows {
  /**
   * The next rows of some lanes that may be sent, in the order of their ids, within the bounds of a
   * batch. A row waits while an earlier one of its topic and key waits for another attempt or is
   * parked.
   */
  fetch(
    lanes: readonly number[],
    paused: readonly string[],
    signal: AbortSignal,
  ): Promise<WaitingRow[]>;
  /** Notes rows as sent (or deletes them), and gives the seconds that each has waited. */
  sent(ids: readonly bigint[], signal: AbortSignal): Promise<readonly number[]>;
  /** Notes failed attempts. */
  failed(failures: readonly Failure[], signal: AbortSignal): Promise<void>;
  /** Takes a row, and those behind it, out of the way. */
  park(row: WaitingRow, error: string, signal: AbortSignal): Promise<void>;
}

/** Makes the statements of a relay. */
export function rowsOf({ db, settings, tables }: Environment): Rows {
  const { outbox } = tables;
  return {
    async fetch(lanes, paused, signal) {
      // Some more than its share of each lane, so that a busy lane fills the batch when others are
      // empty, and no more index entries are read than that. `between` and the lane in the order
      // leave no index but `outbox_waiting`: by that of the ids, which a table with one busy lane
      // suggests, the whole table would be read for each lane that is empty.
      const perLane = Math.max(16, Math.ceil((2 * settings.batchSize) / lanes.length));
      const found = await db.sql<Row>`
        with waiting as (
          select w.id, sum(w.size) over (order by w.id) as total,
            row_number() over (order by w.id) as place
          from unnest(${lanes}::int2[]) as owned(lane)
          cross join lateral (
            select o.id, o.size from ${outbox} o
            where o.lane between owned.lane and owned.lane
              and o.published_at is null and o.parked_at is null
              and (o.retry_at is null or o.retry_at <= now())
              and o.topic <> all(${paused}::text[])
              and (o.key is null or not exists (
                select from ${outbox} b
                where b.topic = o.topic and b.key = o.key and b.id < o.id
                  and b.published_at is null
                  and (b.parked_at is not null or (b.retry_at is not null and b.retry_at > now()))
              ))
            order by o.lane, o.id limit ${perLane}
          ) w
        )
        select o.id, o.lane, o.topic, o.key, o.value, o.headers, o.timestamp_ms, o.attempts
        from waiting w join ${outbox} o using (id)
        where w.place = 1 or (w.place <= ${settings.batchSize} and w.total <= ${settings.batchBytes})
        order by o.id`.with({ name: "outbox_fetch", signal, idempotent: true });
      return found.map(({ id, lane, topic, key, value, headers, timestamp_ms, attempts }) => ({
        id,
        lane,
        attempts,
        record: {
          topic,
          key,
          value,
          headers: readHeaders(headers),
          timestampMs: Number(timestamp_ms),
        },
      }));
    },
    async sent(ids, signal) {
      const options = { name: "outbox_sent", signal, idempotent: true };
      const waited = sql.fragment`
        extract(epoch from clock_timestamp() - created_at)::float8 as seconds`;
      const statement = settings.retentionMs === 0
        ? sql.fragment`delete from ${outbox} where id = any(${ids}::int8[]) returning ${waited}`
        : sql.fragment`update ${outbox} set published_at = now(), retry_at = null, error = null
            where id = any(${ids}::int8[]) and published_at is null returning ${waited}`;
      const done = await db.sql<{ seconds: number }>`${statement}`.with(options);
      return done.map(({ seconds }) => Math.max(0, seconds));
    },
    async failed(failures, signal) {
      await db.sql`
        update ${outbox} o
        set attempts = o.attempts + 1, error = f.error,
          retry_at = now() + f.delay_ms * interval '1 millisecond'
        from unnest(
          ${failures.map(({ row }) => row.id)}::int8[],
          ${failures.map(({ error }) => error)}::text[],
          ${failures.map(({ delayMs }) => delayMs)}::float8[]
        ) as f(id, error, delay_ms)
        where o.id = f.id and o.published_at is null`.with({ name: "outbox_failed", signal });
    },
    async park({ id }, error, signal) {
      await db.sql`
        update ${outbox}
        set attempts = attempts + 1, parked_at = now(), retry_at = null, error = ${error}
        where id = ${id} and published_at is null`.with({ name: "outbox_park", signal });
    },
  };
}
