// What is said to be valid without asking protovalidate must be valid by protovalidate, always.
import { clone, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { compileCel } from "../../contracts/_fast_cel.ts";
import { parseCel } from "../../contracts/_fast_cel_parser.ts";
import { fastPlans } from "../../contracts/_fast_plan.ts";
import { nativePattern } from "../../contracts/_fast_regexp.ts";
import { decode, messageType, violations } from "../../contracts/mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { seededRandom } from "../../testing/mod.ts";
import { fromLine } from "../../tools/vectors/vector.ts";
import { isValidByItself } from "./_verdicts.ts";

const FOLDER = fileURLToPath(new URL("../../testdata/vectors", import.meta.url));
const plans = fastPlans();

interface Case {
  readonly name: string;
  readonly schema: DescMessage;
  readonly message: Message;
}

const cases: readonly Case[] = readdirSync(FOLDER).sort().flatMap((file) =>
  readFileSync(`${FOLDER}/${file}`, "utf8").trimEnd().split("\n").map(fromLine)
).flatMap(({ type, name, bytes, rules }) => {
  const schema = messageType(type);
  // Vectors without rules cannot be decoded.
  if (schema === undefined || rules === undefined) return [];
  return [{ name: `${type} ${name}`, schema, message: decode(schema, bytes) }];
});

test("fast validation calls no golden vector valid that protovalidate does not", () => {
  const wrong = cases.filter(({ schema, message }) =>
    plans.isValid(schema, message) && !isValidByItself(schema, message)
  );
  assert.deepEqual(wrong.map(({ name }) => name), []);
  assert.ok(cases.length > 5000, `${cases.length} vectors`);
});

test("fast validation is sure of most valid golden vectors, and of all that are hot", () => {
  const valid = cases.filter(({ schema, message }) => isValidByItself(schema, message));
  const sure = valid.filter(({ schema, message }) => plans.isValid(schema, message));
  assert.ok(sure.length >= 0.8 * valid.length, `${sure.length} of ${valid.length}`);
  const hot = /^cqc\.events\.v1\.(?:Price|Order|Position|Balance|FundingRate|RiskAlert)/;
  const unsure = valid.filter(({ name }) => hot.test(name)).filter((each) => !sure.includes(each));
  assert.deepEqual(unsure.map(({ name }) => name), []);
});

const HOSTILE: readonly unknown[] = [
  "",
  " ",
  "0",
  "-1",
  "1e3",
  "1.",
  "\u0000",
  "\ud800",
  "😀",
  "é\n",
  "x".repeat(5000),
  "5D1B3F0E-7A44-4C0C-8B57-52F3C6C2A901",
  "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901\n",
  0,
  1,
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  NaN,
  Infinity,
  0n,
  -1n,
  1n << 63n,
  true,
  false,
  null,
  undefined,
  new Uint8Array(),
  [],
  {},
];

// What may stand in a field: hostile things, and what other messages have there.
function valuesFor(field: DescField, pool: ReadonlyMap<string, readonly unknown[]>): unknown[] {
  return [...HOSTILE, ...pool.get(`${field.fieldKind} ${field.message?.typeName ?? ""}`) ?? []];
}

test("fast validation calls no message valid that protovalidate does not, whatever stands in its fields", () => {
  const random = seededRandom(5);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const pool = new Map<string, unknown[]>();
  for (const { schema, message } of cases) {
    for (const field of schema.fields) {
      if (field.oneof !== undefined) continue;
      const key = `${field.fieldKind} ${field.message?.typeName ?? ""}`;
      const values = pool.get(key) ?? [];
      if (values.length < 500) pool.set(key, values);
      values.push((message as unknown as Record<string, unknown>)[field.localName]);
    }
  }
  let sure = 0;
  for (let n = 0; n < 20_000; n++) {
    const { schema, message, name } = pick(cases);
    if (schema.fields.length === 0) continue;
    const changed = clone(schema, message) as unknown as Record<string, unknown>;
    const field = pick(schema.fields);
    const value = pick(valuesFor(field, pool));
    if (field.oneof !== undefined) {
      changed[field.oneof.localName] = { case: field.localName, value };
    } else if (value === undefined && random.next() < 0.5) delete changed[field.localName];
    else if (field.fieldKind === "list" && random.next() < 0.7) {
      changed[field.localName] = [...changed[field.localName] as unknown[], value, value];
    } else changed[field.localName] = value;
    if (!plans.isValid(schema, changed)) continue;
    sure++;
    assert.ok(
      isValidByItself(schema, changed as unknown as Message),
      `${name} with ${field.name} = ${String(value)}`,
    );
  }
  assert.ok(sure > 1000, `${sure} were called valid`);
});

test("fast validation leaves what is no message, or another one, to protovalidate", () => {
  const price = cases.find(({ name }) => name.startsWith("cqc.markets.v1.Price "))!.message;
  for (const value of [undefined, null, 1, "x", {}, [], { $typeName: "cqc.markets.v1.Price" }]) {
    assert.equal(plans.isValid(PriceSchema, value), false);
  }
  assert.equal(plans.isValid(messageType("cqc.markets.v1.Trade")!, price), false);
  const trap = new Proxy({}, {
    get() {
      throw new Error("no entry");
    },
  });
  assert.equal(plans.isValid(PriceSchema, trap), false);
});

test("what breaks a rule is reported in protovalidate's own words", () => {
  const broken = cases.filter(({ schema, message }) => !isValidByItself(schema, message));
  assert.ok(broken.length > 1000);
  for (const { schema, message } of broken) assert.ok(violations(schema, message).length > 0);
});

for (
  const [pattern, taken] of [
    ["^[a-z0-9][a-z0-9_-]{0,99}$", true],
    ["^(?:0|[1-9][0-9]{0,37})(?:\\.[0-9]{1,38})?$", true],
    ["^(?:system|(?:user|service):[!-~]{1,200})$", true],
    ["^a", false],
    ["a$", false],
    ["^a|b$", false],
    ["^(?:a+)+$", false],
    ["^(?:a|a)*$", false],
    ["^(?:a{1,9}){2,9}$", false],
    ["^.*$", false],
    ["^\\s\\d\\w$", false],
    ["^(?i:a)$", false],
    ["^(?=a)a$", false],
    ["^[[:alpha:]]$", false],
    ["^a+?$", false],
    ["^a++$", false],
    ["^(a$", false],
    ["^a)$", false],
    ["^\\p{L}$", false],
    ["^a\\$", false],
    ["^(?:a)(?:b)\\1$", false],
  ] as const
) {
  test(`nativePattern ${taken ? "takes" : "leaves"} ${pattern}`, () => {
    assert.equal(nativePattern(pattern) !== undefined, taken);
  });
}

for (
  const expression of [
    "this.bid + this.ask",
    "this.bid ? true",
    "this.bid",
    "has(this)",
    "has(this.nothing)",
    "this.bid < this.ask",
    "duration('1s') > duration('2s')",
    "this.bid == 1",
    "true)",
    "'a",
    "",
  ]
) {
  test(`compileCel does not know ${JSON.stringify(expression)}`, () => {
    assert.equal(compileCel(expression, PriceSchema), undefined);
  });
}

test("parseCel binds && before ||, ! before both, and ? : last", () => {
  const node = parseCel("!has(this.a) || this.b == 1 && this.c ? true : false");
  assert.equal(node?.op, "?:");
  assert.equal(node?.op === "?:" && node.test.op, "||");
});
