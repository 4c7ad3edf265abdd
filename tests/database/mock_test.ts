import assert from "node:assert/strict";
import test from "node:test";
import { createDriver, mockDatabase } from "../../database/drivers/mock.ts";
import { open, sql } from "../../database/mod.ts";
import { onMock } from "./_fixture.ts";

test("mock answers with rows of the types of their values", async () => {
  await using fixture = await onMock();
  const row = {
    text: "x",
    number: 1.5,
    big: 7n,
    flag: true,
    moment: new Date(0),
    document: { a: [1] },
    list: [1, null],
    texts: ["a"],
    nothing: null,
  };
  fixture.mock.expect("select 1").rows([row]);
  assert.deepEqual(await fixture.db.sql`select 1`, [row]);
});

test("mock says where a query differs from what was expected", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("select * from positions where id = $1", ["p-1"]);
  await assert.rejects(db.sql`select * from position where id = ${"p-1"}`.rows(), {
    code: "CQI_DATABASE_MOCK",
    message: [
      "Cannot answer a query that was not expected",
      '  expected: select * from positions where id = $1 ["p-1"]',
      '  current:  select * from position where id = $1 ["p-1"]',
      "                                  ^ differs from here",
    ].join("\n"),
  });
});

test("mock compares values", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select $1", [1]);
  await assert.rejects(fixture.db.sql`select ${2}`.rows(), {
    code: "CQI_DATABASE_MOCK",
    message: /expected: select \$1 \["1"\]\n {2}current: {2}select \$1 \["2"\]/,
  });
});

test("mock takes white space as it comes", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select   a\nfrom t");
  await fixture.db.sql`
    select a
      from t
  `;
  fixture.mock.verify();
});

test("mock.verify() lists what did not come", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("select 1");
  mock.expect(/^update/);
  await db.sql`select 1`;
  assert.throws(() => mock.verify(), {
    code: "CQI_DATABASE_MOCK",
    message: "Cannot end the test: 1 expected queries did not come\n  expected: /^update/",
  });
});

test("mock.verify() tells of a surprise that the code swallowed", async () => {
  await using fixture = await onMock();
  await fixture.db.sql`select 1`.rows().catch(() => {});
  assert.throws(() => fixture.mock.verify(), { message: /no further query/ });
});

test("mock holds the order, unless it is told not to", async () => {
  await using strict = await onMock();
  strict.mock.expect("select 1");
  strict.mock.expect("select 2");
  await assert.rejects(strict.db.sql`select 2`.rows(), { code: "CQI_DATABASE_MOCK" });
  await using loose = await onMock({ section: { mock: { ordered: false } } });
  loose.mock.expect("select 1");
  loose.mock.expect("select 2");
  await loose.db.sql`select 2`;
  await loose.db.sql`select 1`;
  loose.mock.verify();
});

test("mock's expectations may stand for several queries, or any number", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect(/ping/g).times(Infinity);
  mock.expect("select 1").times(2).count(3);
  await db.sql`select ping`;
  await db.sql`select ping`;
  await db.sql`select 1`;
  assert.equal(await db.sql`select 1`.execute(), 3);
  mock.verify();
});

test("mock fails as the server does", async () => {
  await using fixture = await onMock();
  fixture.mock.expect(/insert/).fails("23505", { constraint: "t_pkey", table: "t" });
  await assert.rejects(fixture.db.sql`insert into t values (1)`.rows(), {
    code: "CQI_DATABASE_CONSTRAINT",
    message: /unique_violation \(SQLSTATE 23505\), constraint 't_pkey', table 't'/,
  });
});

test("mock answers begin and commit by itself, and lists them", async () => {
  await using fixture = await onMock();
  const { db, mock } = fixture;
  mock.expect("update t set n = $1", [1]).count(1);
  await db.transaction((tx) => tx.savepoint((inner) => inner.sql`update t set n = ${1}`.execute()));
  assert.deepEqual(mock.calls.map((call) => call.text), [
    "begin",
    'savepoint "cqi_1"',
    "update t set n = $1",
    'release savepoint "cqi_1"',
    "commit",
  ]);
  mock.verify();
});

test("mock streams", async () => {
  await using fixture = await onMock();
  fixture.mock.expect("select i from t").rows([{ i: 1 }, { i: 2 }]);
  const seen: unknown[] = [];
  for await (const row of fixture.db.sql`select i from t`.stream()) seen.push(row);
  assert.deepEqual(seen, [{ i: 1 }, { i: 2 }]);
});

for (
  const [what, use] of Object.entries({
    "rows of two shapes": () => mockDatabase().expect("x").rows([{ a: 1 }, { b: 1 }]),
    "a negative count": () => mockDatabase().expect("x").count(-1),
    "no times": () => mockDatabase().expect("x").times(0),
  })
) {
  test(`mock refuses ${what}`, () => assert.throws(use, { code: "CQI_OPTION_INVALID" }));
}

test("mock can be scripted by configuration alone", async () => {
  const expect = [
    { query: "select name from t where id = $1", params: ["a"], rows: [{ name: "x" }] },
    { query: "delete from t", count: 3 },
    { query: "update t set n = 1", sqlstate: "40001" },
  ];
  await using db = await open({ driver: "mock", options: { expect } }, {
    drivers: { mock: () => ({ createDriver }) },
  });
  assert.deepEqual(await db.sql`select name from t where id = ${"a"}`, [{ name: "x" }]);
  assert.equal(await db.sql`delete from t`.execute(), 3);
  await assert.rejects(db.sql`update t set n = 1`.rows(), { code: "CQI_DATABASE_SERIALIZATION" });
  await assert.rejects(db.sql`select ${sql.identifier("x")}`.rows(), { code: "CQI_DATABASE_MOCK" });
});

test("mock refuses a configured script that it cannot read", async () => {
  const drivers = { mock: () => ({ createDriver }) };
  for (const expect of ["x", [{}], [null], [{ query: 1 }], [{ query: "x", params: "y" }]]) {
    await assert.rejects(open({ driver: "mock", options: { expect } }, { drivers }), {
      code: "CQI_OPTION_INVALID",
    });
  }
});
