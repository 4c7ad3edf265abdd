import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { create, type DescField, equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { duration } from "../../core/mod.ts";
import { createDriver } from "../../database/drivers/pglite.ts";
import {
  type Database,
  messageRecord,
  open,
  type OpenOptions,
  sql,
  type SqlFragment,
} from "../../database/mod.ts";
import { EventBusConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { AlgoParametersSchema } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { testLogger } from "../../testing/test_logger.ts";

/** Starting an instance takes seconds, and whichever test is first starts it. */
const LONG = { timeout: 60_000 };

const TYPES: Readonly<Record<string, SqlFragment>> = {
  "jsonb": sql.fragment`jsonb`,
  "text[]": sql.fragment`text[]`,
  "timestamptz": sql.fragment`timestamptz`,
  "text": sql.fragment`text`,
  "int8": sql.fragment`int8`,
  "numeric": sql.fragment`numeric`,
  "boolean": sql.fragment`boolean`,
};

const drivers = { pglite: () => ({ createDriver }) };
let shared: Promise<Database> | undefined;

/** One instance for the file: starting one takes seconds. It ends with the process. */
function pglite(options: OpenOptions = {}): Promise<Database> {
  return shared ??= open({ acquireTimeout: duration("300ms") }, { ...options, drivers });
}

const text = fc.string({ unit: "binary", maxLength: 40 })
  .filter((value) => !value.includes("\0") && value.isWellFormed());

test("sql.identifier is read by PostgreSQL as the name that was given", LONG, async () => {
  const db = await pglite();
  const names = text.filter((name) => {
    const { length } = new TextEncoder().encode(name);
    return length > 0 && length <= 63;
  });
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const row = await db.sql`select 1 as ${sql.identifier(name)}`.one();
      assert.deepEqual(Object.keys(row), [name]);
    }),
    { numRuns: 100 },
  );
});

test("values come back from PostgreSQL as they went", LONG, async () => {
  const db = await pglite();
  const values = fc.record({
    t: text,
    n: fc.double(),
    i: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    b: fc.uint8Array({ maxLength: 40 }),
    a: fc.array(fc.option(text), { maxLength: 5 }),
    j: fc.jsonValue({ maxDepth: 3 }),
    d: fc.date({ min: new Date(-6e13), max: new Date(8.64e15), noInvalidDate: true }),
  });
  await fc.assert(
    fc.asyncProperty(values, async ({ t, n, i, b, a, j, d }) => {
      fc.pre(!JSON.stringify(j).includes("\\u0000") && !/\\ud[89a-f]/.test(JSON.stringify(j)));
      const row = await db.sql<Record<string, unknown>>`
      select ${t}::text as t, ${n}::float8 as n, ${i}::int8 as i, ${b}::bytea as b,
             ${a}::text[] as a, ${sql.json(j)}::json as j, ${d}::timestamptz as d`.one();
      assert.deepEqual(
        { ...row, b: [...row.b as Uint8Array] },
        { t, n, i, b: [...b], a, j: JSON.parse(JSON.stringify(j)), d },
      );
    }),
    { numRuns: 100 },
  );
});

/** Column type for a field of a message. */
function columnType(field: DescField): string {
  if (field.fieldKind === "list") return field.listKind === "message" ? "jsonb" : "text[]";
  if (field.fieldKind === "message") {
    return field.message.typeName === "google.protobuf.Timestamp" ? "timestamptz" : "jsonb";
  }
  if (field.fieldKind !== "scalar") return field.fieldKind === "enum" ? "text" : "jsonb";
  if (/^(?:3|4|6|16|18)$/.test(String(field.scalar))) return "int8";
  return field.name === "price" ? "numeric" : field.scalar === 8 ? "boolean" : "text";
}

test("messages of the contracts go into rows and come back the same", LONG, async () => {
  const db = await pglite();
  const { price } = aPriceUpdated();
  assert(price !== undefined);
  const columns = PriceSchema.fields.map((field) =>
    sql.join([sql.identifier(field.name), TYPES[columnType(field)]!], sql.fragment` `)
  );
  await db.sql`create table prices (${sql.join(columns)})`;
  await db.sql`insert into prices ${sql.records([messageRecord(PriceSchema, price)])}`;
  const back = await db.sql`select * from prices`.asMessage(PriceSchema).one();
  assert(equals(PriceSchema, back, price));
});

test("64-bit numbers of the contracts come back from int8 with every digit", LONG, async () => {
  const db = await pglite();
  const config = create(EventBusConfigSchema, { maxInFlightBytes: 17_179_869_183n });
  const { max_in_flight_bytes: bytes } = messageRecord(EventBusConfigSchema, config);
  const back = await db.sql`select ${bytes!}::int8 as max_in_flight_bytes`
    .asMessage(EventBusConfigSchema).one();
  assert.equal(back.maxInFlightBytes, 17_179_869_183n);
});

test("pglite refuses copy from the client instead of waiting for it", LONG, async () => {
  const db = await pglite();
  await db.sql`create table copied (i int4)`;
  await assert.rejects(db.sql`copy copied from stdin`.rows(), { code: "CQI_FEATURE_UNSUPPORTED" });
  await assert.rejects(db.sql`COPY copied TO STDOUT`.rows(), { code: "CQI_FEATURE_UNSUPPORTED" });
  assert.deepEqual(await db.sql`select * from copied`, []);
});

test(
  "a query that its own transaction waits for ends with an error, never hangs",
  LONG,
  async () => {
    const db = await pglite();
    const gate = Promise.withResolvers<void>();
    // Started outside, so that nothing ambient says where it is: the case of a runtime without
    // ambient context.
    const outside = gate.promise.then(() => db.sql`select 1`.rows());
    await assert.rejects(
      db.transaction(async () => {
        gate.resolve();
        await outside;
      }),
      { code: "CQI_DATABASE_POOL_EXHAUSTED", message: /inside a transaction use its own handle/ },
    );
    assert.deepEqual(await db.sql`select 1 as v`, [{ v: 1 }]);
  },
);

test("queries of other work wait for a transaction and then run", LONG, async () => {
  const db = await pglite();
  const started = Promise.withResolvers<void>();
  const order: string[] = [];
  const work = db.transaction(async (tx) => {
    started.resolve();
    await tx.sql`select pg_sleep(0.01)`;
    order.push("transaction");
  });
  const other = started.promise.then(() => db.sql`select 1`).then(() => order.push("query"));
  await Promise.all([work, other]);
  assert.deepEqual(order, ["transaction", "query"]);
});

test("pglite answers a thousand rows of large texts", LONG, async () => {
  const db = await pglite();
  const rows = await db.sql<{ t: string }>`
    select repeat('é', 5000) as t from generate_series(1, 1000)`;
  assert.equal(rows.length, 1000);
  assert(rows.every((row) => row.t.length === 5000));
});

test("pglite keeps its data in a directory", LONG, async () => {
  const folder = await mkdtemp(join(tmpdir(), "cqi-pglite-"));
  const dataDir = join(folder, "data");
  const logger = testLogger();
  try {
    const first = await open({ pglite: { dataDir } }, { drivers, logger });
    await first.sql`create table kept as select 42 as v`;
    await first.close();
    const second = await open({ pglite: { dataDir } }, { drivers, logger });
    assert.deepEqual(await second.sql`select v from kept`, [{ v: 42 }]);
    await second.close();
    logger.expectNone({ level: "error" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("messages read from rows have their times to the microsecond", LONG, async () => {
  const db = await pglite();
  const order = create(AlgoParametersSchema, {
    startAt: { seconds: 1_767_225_600n, nanos: 123_456_000 },
    endAt: { seconds: 1_767_225_601n, nanos: 500_000_000 },
  });
  const { start_at, end_at } = messageRecord(AlgoParametersSchema, order);
  const read = db
    .sql`select ${start_at!}::timestamptz as start_at, ${end_at!}::timestamptz as end_at`;
  assert.deepEqual(await read.asMessage(AlgoParametersSchema), [order]);
  const [row] = await read.with({ name: "dates" });
  assert.deepEqual(row, {
    start_at: new Date(1_767_225_600_123),
    end_at: new Date(1_767_225_601_500),
  });
});
