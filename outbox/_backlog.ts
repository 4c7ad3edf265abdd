import type { HealthReport, Instruments, WaitOptions } from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Environment } from "./_environment.ts";
import { LANES } from "./migrations.ts";
import type { Backlog } from "./types.ts";

// Counting stops here: nobody acts differently on more, and a count reads every row.
const MOST = 100_000;

/** Asks what waits. */
export async function backlogOf(
  { db, tables }: Environment,
  { signal }: WaitOptions,
): Promise<Backlog> {
  const { outbox } = tables;
  const row = await db.sql<{ pending: bigint; oldest: number; parked: bigint }>`
    select
      (select count(*) from (
        select from ${outbox} where published_at is null and parked_at is null limit ${MOST}
      ) w) as pending,
      (select coalesce(extract(epoch from clock_timestamp() - min(w.created_at)), 0)::float8
        from generate_series(0, ${LANES - 1}) as lanes(lane)
        cross join lateral (
          select o.created_at from ${outbox} o
          where o.lane = lanes.lane and o.published_at is null and o.parked_at is null
          order by o.id limit 1
        ) w) as oldest,
      (select count(*) from (
        select from ${outbox} where published_at is null and parked_at is not null limit ${MOST}
      ) p) as parked`.with({ name: "outbox_backlog", signal, idempotent: true }).one();
  return {
    pending: Number(row.pending),
    oldestSeconds: Math.max(0, row.oldest),
    parked: Number(row.parked),
  };
}

/** Sets the gauges of the backlog at each exposition; gives what ends that and takes them back. */
export function observeBacklog(env: Environment, { metrics }: Instruments): () => void {
  let isOver = false;
  const set = ({ pending, oldestSeconds, parked }: Backlog): void => {
    env.metrics.pending.set(pending);
    env.metrics.oldest.set(oldestSeconds);
    env.metrics.parked.set(parked);
  };
  const stop = metrics.onCollect(async () => {
    const backlog = await backlogOf(env, {});
    if (!isOver) set(backlog);
  });
  return () => {
    isOver = true;
    stop();
    set({ pending: 0, oldestSeconds: 0, parked: 0 });
  };
}

/**
 * How the outbox is. Never down while its table can be read: what it has, it keeps, and a service
 * that goes on writing is still of use.
 */
export async function checkBacklog(
  env: Environment,
  options: WaitOptions,
): Promise<HealthReport> {
  try {
    const backlog = await backlogOf(env, options);
    const details = {
      pending: String(backlog.pending),
      oldest_seconds: backlog.oldestSeconds.toFixed(1),
      parked: String(backlog.parked),
    };
    const problem = backlog.parked > 0
      ? `${backlog.parked} events are parked or wait behind one that is`
      : backlog.oldestSeconds * 1000 > env.settings.alarmMs
      ? `The oldest event has waited for ${Math.round(backlog.oldestSeconds)} seconds`
      : undefined;
    return problem === undefined
      ? { status: "ok", details }
      : { status: "degraded", message: problem, details };
  } catch (error) {
    return { status: "down", message: messageOf(error) };
  }
}
