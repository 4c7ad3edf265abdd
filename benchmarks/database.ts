import pg from "pg";
import postgres from "postgres";
import { createDriver } from "../database/drivers/postgres.ts";
import { type Database, open } from "../database/mod.ts";
import { realPostgres } from "../testing/real_postgres.ts";
import type { Benchmark, Contender } from "./_harness.ts";

/** Connections of every contender. */
const POOL = 10;
/** Queries under way at a time where they are not run one by one. */
const IN_FLIGHT = 50;
/** Rows of the bulk insert. */
const BULK = 100_000;
/** Rows of one statement where there is no COPY. */
const BATCH = 1000;

/** Runs a call so many times, so many of them at a time. */
async function inFlight(times: number, atOnce: number, call: () => Promise<unknown>) {
  let left = times;
  const caller = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, times) }, caller));
}

function calling(name: string, atOnce: number, call: () => Promise<unknown>): Contender {
  return { name, run: (times) => inFlight(times, atOnce, call) };
}

function* rows(): Generator<{ id: number; market: string; price: string; at: Date }> {
  const at = new Date(0);
  for (let id = 0; id < BULK; id++) yield { id, market: `market ${id % 100}`, price: "0.10", at };
}

/** Opens the benchmark of the database: real PostgreSQL on this machine, over loopback. */
export async function openBenchmark(): Promise<Benchmark> {
  const server = await realPostgres();
  const login = {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: server.database,
    max: POOL,
  };
  const pool = new pg.Pool(login);
  const sql = postgres({ ...login, onnotice: () => {} });
  const db: Database = await open({ ...server.section, maxConns: POOL }, {
    drivers: { postgres: () => ({ createDriver }) },
  });
  await db.sql`create table bulk (id int4, market text, price numeric, at timestamptz)`;
  await db.sql`create table fills (id int8 generated always as identity, market text, n int4)`;
  await db.sql`create table totals (market text primary key, n int8 not null)`;
  for (let i = 0; i < 1000; i++) await db.sql`insert into totals values (${`m${i}`}, 0)`;

  const text = "select $1::int4 as id, $2::text as market, $3::numeric as price";
  const values = [1, "BTC-USD", "0.10"];
  const query = {
    // Prepared by name, as the other two do by themselves.
    pg: () => pool.query({ name: "bench_query", text, values }),
    postgres: () =>
      sql`select ${1}::int4 as id, ${"BTC-USD"}::text as market, ${"0.10"}::numeric
      as price`,
    cqi: () =>
      db.sql`select ${1}::int4 as id, ${"BTC-USD"}::text as market, ${"0.10"}::numeric as price`
        .rows(),
  };

  let serial = 0;
  const market = (): string => `m${serial++ % 1000}`;
  const insertText = "insert into fills (market, n) values ($1, $2)";
  const updateText = "update totals set n = n + $2 where market = $1";
  const readText = "select n from totals where market = $1";
  const transaction = {
    async pg() {
      const client = await pool.connect();
      const name = market();
      try {
        await client.query("begin");
        await client.query({ name: "bench_insert", text: insertText, values: [name, 1] });
        await client.query({ name: "bench_update", text: updateText, values: [name, 1] });
        await client.query({ name: "bench_read", text: readText, values: [name] });
        await client.query("commit");
      } finally {
        client.release();
      }
    },
    async postgres() {
      const name = market();
      await sql.begin(async (tx) => {
        await tx`insert into fills (market, n) values (${name}, ${1})`;
        await tx`update totals set n = n + ${1} where market = ${name}`;
        await tx`select n from totals where market = ${name}`;
      });
    },
    async cqi() {
      const name = market();
      await db.transaction(async (tx) => {
        await tx.sql`insert into fills (market, n) values (${name}, ${1})`;
        await tx.sql`update totals set n = n + ${1} where market = ${name}`;
        await tx.sql`select n from totals where market = ${name}`;
      });
    },
  };

  const emptied = async (work: () => Promise<unknown>): Promise<void> => {
    await pool.query("truncate bulk");
    await work();
  };
  /** Each statement inserts a batch from arrays, the fastest that the bare clients have. */
  const batches = async (
    send: (batch: { id: number; market: string; price: string; at: Date }[]) => Promise<unknown>,
  ): Promise<void> => {
    let batch = [];
    for (const row of rows()) {
      batch.push(row);
      if (batch.length < BATCH) continue;
      await send(batch);
      batch = [];
    }
  };
  const bulk = {
    pg: () =>
      emptied(() =>
        batches((batch) =>
          pool.query({
            name: "bench_bulk",
            text: "insert into bulk select * from unnest($1::int4[], $2::text[], $3::numeric[], " +
              "$4::timestamptz[])",
            values: [
              batch.map((row) => row.id),
              batch.map((row) => row.market),
              batch.map((row) => row.price),
              batch.map((row) => row.at),
            ],
          })
        )
      ),
    postgres: () => emptied(() => batches((batch) => sql`insert into bulk ${sql(batch)}`)),
    cqi: () => emptied(() => db.copyIn("bulk", rows())),
  };

  const against = (
    calls: Readonly<Record<"pg" | "postgres" | "cqi", () => Promise<unknown>>>,
    atOnce: number,
  ): readonly Contender[] => [
    calling("pg 8, bare", atOnce, calls.pg),
    calling("postgres 3, bare", atOnce, calls.postgres),
    calling("cqi on pg", atOnce, calls.cqi),
  ];
  return {
    comparisons: [
      { title: "One query at a time", contenders: against(query, 1) },
      {
        title: `Queries, ${IN_FLIGHT} in flight, ${POOL} connections`,
        contenders: against(query, IN_FLIGHT),
      },
      {
        title: "A transaction of three statements, one at a time",
        contenders: against(transaction, 1),
      },
      {
        title: `Transactions of three statements, ${IN_FLIGHT} in flight`,
        contenders: against(transaction, IN_FLIGHT),
      },
      {
        title: `Bulk insert of ${BULK} rows of four columns`,
        contenders: against(bulk, 1),
      },
    ],
    async close() {
      await Promise.all([pool.end(), sql.end(), db.close()]);
      await server.close();
    },
  };
}
