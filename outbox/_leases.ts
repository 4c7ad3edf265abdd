import type { WaitOptions } from "../core/mod.ts";
import type { Environment } from "./_environment.ts";
import { LANES } from "./migrations.ts";

/** The lanes that a relay may send the events of. */
export interface Leases {
  /** Lanes that it has now; empty once the lease has run out unrenewed. */
  current(): readonly number[];
  /** Renews what it has, takes its share of what is free, and marks what others should have. */
  renew(options: WaitOptions): Promise<void>;
  /** Hands over lanes that others should have. Call it when nothing of them is in hand. */
  release(options: WaitOptions): Promise<void>;
  /** Hands over all of them. */
  end(options: WaitOptions): Promise<void>;
}

// A lease in the table is shorter than the time that the settings promise, since another relay has
// to notice its end: it looks every fifth.
const IN_TABLE = 0.75;
const EVERY = 0.2;
// What clocks may go apart within one lease.
const MARGIN = 0.05;

/** How often a lease is renewed, in milliseconds. */
export function renewalMs(leaseMs: number): number {
  return leaseMs * EVERY;
}

/**
 * Makes the leases of one relay. Time in the table is the database's; what a relay believes of its
 * own lease is measured by its own clock from before it asked, and so ends sooner.
 *
 * @param relay Id of the relay.
 */
export function leases(env: Environment, relay: string): Leases {
  const { clock, db, metrics, settings, tables } = env;
  const leaseMs = settings.leaseMs * IN_TABLE;
  let owned: readonly number[] = [];
  let leaving: readonly number[] = [];
  let validUntilMs = -Infinity;
  const named = (name: string, { signal }: WaitOptions) => ({ name, signal, idempotent: true });

  return {
    current() {
      if (clock.monotonic() >= validUntilMs) return [];
      return leaving.length === 0 ? owned : owned.filter((lane) => !leaving.includes(lane));
    },
    async renew(options) {
      const askedMs = clock.monotonic();
      const { others, lanes } = await db.sql<{ others: bigint; lanes: number[] }>`
        with alive as (
          insert into ${tables.relays} (relay, until)
          values (${relay}, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
          on conflict (relay) do update set until = excluded.until
        ), gone as (
          delete from ${tables.relays} where until < now() - interval '1 minute'
        ), kept as (
          update ${tables.lanes} set until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where relay = ${relay} returning lane
        )
        select array(select lane from kept order by lane) as lanes,
          (select count(*) from ${tables.relays} where until > now() and relay <> ${relay}) as others
        `.with(named("outbox_renew", options)).one();
      owned = lanes;
      const share = Math.ceil(LANES / (Number(others) + 1));
      if (owned.length < share) {
        const taken = await db.sql<{ lane: number }>`
          update ${tables.lanes}
          set relay = ${relay}, until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where lane in (
            select lane from ${tables.lanes}
            where relay is null or until is null or until < now()
            order by lane limit ${share - owned.length} for update skip locked
          )
          returning lane`.with(named("outbox_lease", options));
        owned = [...owned, ...taken.map(({ lane }) => lane)];
      }
      leaving = owned.slice(share);
      validUntilMs = askedMs + leaseMs - settings.leaseMs * MARGIN;
      metrics.lanes.set(owned.length);
    },
    async release(options) {
      if (leaving.length === 0) return;
      const lanes = leaving;
      await db.sql`
        update ${tables.lanes} set relay = null, until = null
        where relay = ${relay} and lane = any(${lanes}::int2[])`
        .with(named("outbox_release", options));
      owned = owned.filter((lane) => !lanes.includes(lane));
      leaving = leaving.filter((lane) => !lanes.includes(lane));
      metrics.lanes.set(owned.length);
    },
    async end(options) {
      owned = [];
      leaving = [];
      validUntilMs = -Infinity;
      metrics.lanes.set(0);
      await db.sql`
        with gone as (delete from ${tables.relays} where relay = ${relay})
        update ${tables.lanes} set relay = null, until = null where relay = ${relay}`
        .with(named("outbox_release", options));
    },
  };
}
