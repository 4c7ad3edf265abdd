import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { reflect, type ReflectList } from "@bufbuild/protobuf/reflect";
import fc from "fast-check";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode, encode, fromJson, messageTypes } from "../../contracts/mod.ts";
import { brokenRules, toLine, type Vector } from "../../tools/vectors/vector.ts";
import { example } from "../contracts/_image.ts";
import { goPrograms } from "./_go.ts";
import { sharedPython } from "./_python.ts";
import { output, ROOT, withFolder } from "./_run.ts";
import { tools } from "./_tools.ts";

// Asked before the first test: Deno takes no notice of what a file throws after one.
const [hasGo, hasPython] = [tools("go"), tools("python3")];

/** Messages of each type. */
const COUNT = 3;

/** What no field means, or only some do: each language has a reading of its own of addresses. */
const TEXTS = fc.constantFrom(
  ...[
    "",
    " ",
    "0",
    "-1",
    "1",
    "-0",
    "0.0",
    "1\n",
    "NaN",
    "Infinity",
    "1e400",
    "\u0000",
    "é",
    "a b",
  ],
  ...["9".repeat(38), "1".repeat(80), "99999999999999999999.9", "x".repeat(5000), "é".repeat(33)],
  ...["😀".repeat(32), "\u00a0", "a\u00a0b", "a\u0085", "\u2028", "eip155:1", "user:", "mailto:x"],
  ...["http://x", "HTTP://X", "http://a b", "h://", "//", "a:b", "http://[::1]:1", "https://a/%zz"],
  ...["http://ü.de", "urn:x", "10.0.0.0/8", "10.0.0.1/8", "::/0", "localhost:1", "[::1]:65536"],
  ...["host:99999", "5D1B3F0E-7A44-4C0C-8B57-52F3C6C2A901", "5d1b3f0e7a444c0c8b5752f3c6c2a901"],
);

const INTEGERS: Partial<Record<ScalarType, readonly (number | bigint)[]>> = {
  [ScalarType.INT32]: [0, 1, -1, 5, 2 ** 31 - 1, -(2 ** 31)],
  [ScalarType.UINT32]: [0, 1, 2 ** 32 - 1],
  [ScalarType.INT64]: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  [ScalarType.UINT64]: [0n, 1n, 2n ** 64n - 1n],
};

/** Any value that a field's type, or that of its items, can hold. */
function anyValue(field: DescField): fc.Arbitrary<unknown> {
  if (field.enum !== undefined) return fc.constantFrom(0, 1, 2, 3, -1, 999, 2 ** 31 - 1);
  switch (field.scalar) {
    case ScalarType.STRING:
      return TEXTS;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 70 });
    case ScalarType.DOUBLE:
      return fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 0.5, -1, 1e308);
    default:
      return fc.constantFrom(...INTEGERS[field.scalar as ScalarType]!);
  }
}

const isPlain = (field: DescField): boolean =>
  field.fieldKind === "scalar" || field.fieldKind === "enum" ||
  (field.fieldKind === "list" && (field.scalar !== undefined || field.enum !== undefined));

/** An Example with some fields unset and some set to anything. */
function senseless(type: DescMessage): fc.Arbitrary<Vector> {
  const fields = type.fields.filter(isPlain);
  const change = fc.constantFrom(...fields).chain((field) =>
    fc.tuple(fc.constant(field), fc.option(fc.array(anyValue(field), { maxLength: 3 })))
  );
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    const message = fromJson(type, example(type.typeName));
    const target = reflect(type, message);
    for (const [field, values] of changes) {
      if (values === null || values.length === 0) target.clear(field);
      else if (field.fieldKind !== "list") target.set(field, values[0]);
      else for (const value of values) (target.get(field) as ReflectList).add(value);
    }
    const bytes = encode(type, message);
    const rules = brokenRules(type, decode(type, bytes));
    return { type: type.typeName, name: JSON.stringify(rules).slice(0, 60), bytes, rules };
  });
}

const vectors: readonly Vector[] = messageTypes
  .filter((type) => type.fields.some(isPlain))
  .flatMap((type, index) => fc.sample(senseless(type), { numRuns: COUNT, seed: 100 + index }));

/** What a runner says of all of them. */
async function rulesBy(run: (folder: string) => Promise<string>): Promise<readonly string[][]> {
  return await withFolder(async (folder) => {
    const data = join(folder, "vectors");
    mkdirSync(data);
    writeFileSync(
      join(data, "senseless.jsonl"),
      vectors.map((each) => `${toLine(each)}\n`).join(""),
    );
    const lines = (await run(data)).trimEnd().split("\n");
    return lines.map((line) => (JSON.parse(line) as { rules: string[] }).rules);
  });
}

function check(answers: readonly string[][]): void {
  assert.equal(answers.length, vectors.length);
  vectors.forEach((each, index) => assert.deepEqual(answers[index], each.rules, each.type));
}

test("senseless values break rules, and never one that cannot be evaluated", () => {
  const broken = vectors.filter(({ rules }) => rules!.length > 0);
  assert.ok(broken.length > vectors.length / 2, `${broken.length} of ${vectors.length}`);
  assert.deepEqual(
    broken.filter(({ rules }) => rules!.some((rule) => /unreadable/.test(rule))),
    [],
  );
});

if (hasGo) {
  test("senseless values break the same rules in Go", async () => {
    const { vectors: program } = await goPrograms("vectors");
    check(await rulesBy((folder) => output(program, [folder])));
  });
}

if (hasPython) {
  test("senseless values break the same rules in Python", async () => {
    const python = await sharedPython();
    const runner = join(ROOT, "tests", "interop", "python", "vectors.py");
    check(await rulesBy((folder) => output(python, ["-B", runner, folder])));
  });
}
