import { after } from "node:test";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import type * as bus from "../../bus/mod.ts";
import type { Instruments } from "../../core/mod.ts";
import * as pglite from "../../database/drivers/pglite.ts";
import { type Database, open as openDatabase, sql } from "../../database/mod.ts";
import { RiskAlertSchema } from "../../gen/ts/cqc/events/v1/mod.ts";
import { open, type Outbox, type OutboxSettings } from "../../outbox/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { openOn, until } from "../bus/_kit.ts";

export { RiskAlertSchema };

/** Topic of the events that the tests publish. */
export const ALERTS = "cqc.events.v1.risk_alert";

/** One database for the tests of a file, each in a schema of its own: starting it takes a second. */
export const database: Database = await openDatabase({}, { drivers: { pglite: () => pglite } });
after(() => database.close());

let schemas = 0;

/** A record that a broker took. */
export interface Landed {
  readonly topic: string;
  readonly key: string | null;
  readonly id: string;
  readonly record: bus.RecordToSend;
}

/** How a driver answers a call, given how it would have. */
export type SendFault = (
  records: readonly bus.RecordToSend[],
  pass: () => Promise<readonly (bus.Published | Error)[]>,
) => Promise<readonly (bus.Published | Error)[]>;

/** An outbox with a database and a bus to look into. */
export interface Fixture extends AsyncDisposable {
  readonly db: Database;
  readonly bus: bus.Bus;
  readonly box: Outbox;
  readonly clock: FakeClock;
  readonly schema: string;
  /** Sizes of the calls of the driver. */
  readonly calls: number[];
  /** What the broker took, in order. */
  readonly landed: Landed[];
  /** Set by tests: how the driver misbehaves. */
  fault: SendFault | undefined;
  /** Waits until nothing is pending; time need not move for that. */
  drain(): Promise<void>;
  /** Another outbox over the same tables and the same broker. */
  another(
    section?: OutboxSettings,
    options?: Partial<Instruments> & { readonly db?: Database },
  ): Promise<Outbox>;
}

/** What a fixture is made with. */
export interface FixtureOptions extends Partial<Instruments> {
  readonly section?: OutboxSettings;
  readonly busSection?: bus.EventBusConfigInit;
  readonly busOptions?: bus.OpenOptions;
}

/** Opens an outbox in a schema of its own, on a memory bus. Time stands still unless told to move. */
export async function fixture(options: FixtureOptions = {}): Promise<Fixture> {
  const { section, busSection, busOptions, ...instruments } = options;
  const db = database;
  const schema = `outbox "${++schemas}"`;
  const clock = fakeClock(Date.now());
  const landed: Landed[] = [];
  const calls: number[] = [];
  const broker = createBroker();
  const opened: Outbox[] = [];
  const events = await openOn(broker, busSection, {
    ...busOptions,
    clock,
    faults: {
      async send(records, pass) {
        calls.push(records.length);
        const outcomes = await (made.fault?.(records, pass) ?? pass());
        records.forEach((record, at) => {
          if (outcomes[at] instanceof Error) return;
          const { topic, key, headers } = record;
          landed.push({ topic, key, id: headers.get("ce_id") as string, record });
        });
        return outcomes;
      },
    },
  });
  const another: Fixture["another"] = async (more = {}, { db: other = db, ...given } = {}) => {
    const box = await open({ schema, ...more }, {
      bus: events,
      database: other,
      clock,
      ...instruments,
      ...given,
    });
    opened.push(box);
    return box;
  };
  const made: Fixture = {
    db,
    bus: events,
    box: await another(section),
    clock,
    schema,
    calls,
    landed,
    fault: undefined,
    another,
    drain: () =>
      until(async () => (await made.box.backlog()).pending === 0, "the outbox to be empty"),
    async [Symbol.asyncDispose]() {
      for (const box of opened) await box.close();
      await events.close();
      await db.sql`drop schema ${sql.identifier(schema)} cascade`;
    },
  };
  return made;
}

let numbers = 0;

/** Keys for events: ids of alerts. */
export function keyOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** Fields of an event of a key. */
export function alert(key = 1, message = `alert ${++numbers}`) {
  return {
    alertId: keyOf(key),
    alertType: 1,
    severity: 1,
    message,
    portfolioId: crypto.randomUUID(),
    detectedAt: { seconds: 1_767_225_600n },
  } as const;
}
