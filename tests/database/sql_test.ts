import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { sql, type SqlValue } from "../../database/mod.ts";
import { onMock } from "./_fixture.ts";

/** What a query is sent as. */
async function sent(
  strings: TemplateStringsArray,
  ...values: SqlValue[]
): Promise<{ text: string; params: readonly (string | null)[] }> {
  await using fixture = await onMock();
  fixture.mock.expect(/[^]*/);
  await fixture.db.sql(strings, ...values);
  return fixture.mock.calls[0]!;
}

test("sql.fragment numbers its values where it stands", async () => {
  const where = sql.fragment`a = ${1} and b = ${"x"}`;
  const call = await sent`select ${0}, * from t where ${where} or ${where} limit ${10}`;
  assert.deepEqual(call, {
    text: "select $1, * from t where a = $2 and b = $3 or a = $4 and b = $5 limit $6",
    params: ["0", "1", "x", "1", "x", "10"],
  });
});

test("sql.fragment nests", async () => {
  const inner = sql.fragment`x = ${1}`;
  const outer = sql.fragment`(${inner} or y = ${2})`;
  assert.equal((await sent`select 1 where ${outer}`).text, "select 1 where (x = $1 or y = $2)");
});

test("sql.join puts commas, or what it is given, between", async () => {
  const parts = [sql.identifier("a"), "b", sql.fragment`now() - ${1}`];
  const and = sql.fragment` and `;
  assert.deepEqual((await sent`select ${sql.join(parts)}`).text, 'select "a", $1, now() - $2');
  assert.deepEqual((await sent`x ${sql.join([true, false], and)}`).text, "x $1 and $2");
});

test("sql.values makes rows", async () => {
  const call = await sent`insert into t (a, b) values ${sql.values([[1, "x"], [2, null]])}`;
  assert.deepEqual(call, {
    text: "insert into t (a, b) values ($1, $2), ($3, $4)",
    params: ["1", "x", "2", null],
  });
});

test("sql.records makes columns and rows", async () => {
  const records = [{ id: 1, "odd name": "x" }, { "odd name": null, id: 2 }];
  assert.deepEqual(await sent`insert into t ${sql.records(records)}`, {
    text: 'insert into t ("id", "odd name") values ($1, $2), ($3, $4)',
    params: ["1", "x", "2", null],
  });
});

for (
  const [what, make] of Object.entries({
    "an empty list": () => sql.join([]),
    "no rows": () => sql.values([]),
    "empty rows": () => sql.values([[]]),
    "rows of two lengths": () => sql.values([[1, 2], [1]]),
    "no records": () => sql.records([]),
    "records of two shapes": () => sql.records([{ a: 1 }, { b: 1 }]),
    "records with a field more": () => sql.records([{ a: 1 }, { a: 1, b: 1 }]),
    "no name": () => sql.identifier(),
  })
) {
  test(`sql refuses ${what}`, () => assert.throws(make, { code: "CQI_OPTION_INVALID" }));
}

for (const name of ["", "a\0b", "\0", "x".repeat(64), "é".repeat(32), "\ud800"]) {
  test(`sql.identifier refuses ${JSON.stringify(name.slice(0, 4))} of ${name.length}`, () => {
    assert.throws(() => sql.identifier("ok", name), { code: "CQI_DATABASE_IDENTIFIER_INVALID" });
  });
}

test("sql.identifier takes 63 bytes, and doubles quotes", async () => {
  const longest = "é".repeat(31) + "x";
  assert.equal((await sent`${sql.identifier(longest)}`).text, `"${longest}"`);
  assert.equal((await sent`${sql.identifier('a"b', ".")}`).text, '"a""b"."."');
});

test("sql tags refuse a text that was put together by hand", async () => {
  await using fixture = await onMock();
  const { db } = fixture;
  const text = ["select 1; drop table t"];
  const forged = Object.assign([...text], { raw: text });
  for (const strings of [text, forged, "select 1"]) {
    const template = strings as unknown as TemplateStringsArray;
    assert.throws(() => db.sql(template), { code: "CQI_DATABASE_QUERY" });
    assert.throws(() => sql.fragment(template), { code: "CQI_DATABASE_QUERY" });
  }
});

test("sql takes no object for a fragment that sql did not make", async () => {
  const real = sql.fragment`drop table t`;
  const forged = [
    JSON.parse('{"texts":["drop table t"],"values":[]}'),
    Object.create(real),
    { ...real },
    { [Symbol.toStringTag]: "SqlFragment", toString: () => "drop table t" },
  ];
  for (const value of forged) {
    await assert.rejects(sent`select ${value as SqlValue}`, { code: "CQI_DATABASE_QUERY" });
  }
});

test("sql binds whatever text it is given", async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: "grapheme" }), async (value) => {
    fc.pre(!value.includes("\0") && value.isWellFormed());
    assert.deepEqual(await sent`select ${value}`, { text: "select $1", params: [value] });
  }));
});
