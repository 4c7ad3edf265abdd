// deno-lint-ignore-file no-console -- the table of results is shown
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DescMessage } from "@bufbuild/protobuf";
import { decode, encode, type JsonValue, messageTypes } from "../../contracts/mod.ts";
import { fromLine, typeOf, type Vector } from "../../tools/vectors/vector.ts";
import { findRuntime, type RuntimeName } from "../../tools/test_runner/runtimes.ts";
import { DECIMAL_PATTERNS, patternOf, rulesOfField, rulesOfMessage } from "../contracts/_image.ts";
import { goPrograms } from "./_go.ts";
import { sharedPython } from "./_python.ts";
import { output, ROOT } from "./_run.ts";
import { tools } from "./_tools.ts";

const FOLDER = join(ROOT, "testdata", "vectors");
const vectors: readonly Vector[] = readdirSync(FOLDER).sort().flatMap((file) =>
  readFileSync(join(FOLDER, file), "utf8").trimEnd().split("\n").map(fromLine)
);

/** What a runner says of one vector. */
interface Answer {
  readonly type: string;
  readonly name: string;
  readonly json?: JsonValue;
  readonly bytes?: string;
  readonly fromJson?: string;
  readonly rules?: readonly string[];
  readonly refused?: boolean;
}

/** How one runner did, in vectors. */
interface Score {
  readonly sameBytes: number;
  readonly otherOrder: number;
  readonly valid: number;
  readonly broken: number;
  readonly refused: number;
}

/** Whether a message has a oneof somewhere, whose members Go writes last. */
function hasOneof(type: DescMessage, seen: Set<string> = new Set()): boolean {
  if (seen.has(type.typeName)) return false;
  seen.add(type.typeName);
  return type.oneofs.length > 0 ||
    type.fields.some((field) => field.message !== undefined && hasOneof(field.message, seen));
}

/** Checks one answer; true when its bytes have the same fields in another order. */
function checkAnswer(vector: Vector, answer: Answer, canonical: Answer): boolean {
  const golden = Buffer.from(vector.bytes).toString("base64");
  const what = `${vector.type} "${vector.name}"`;
  assert.deepEqual([answer.type, answer.name], [vector.type, vector.name]);
  if (vector.rules === undefined) {
    assert.equal(answer.refused, true, `${what} is taken`);
    return false;
  }
  assert.ok(answer.refused !== true, `${what} is refused`);
  assert.deepEqual(answer.rules, vector.rules, what);
  assert.deepEqual(answer.json, vector.json ?? canonical.json, what);
  let reordered = false;
  // JSON does not have a field that nobody knows.
  const both = vector.json !== undefined && vector.name !== "unknown field";
  for (const bytes of both ? [answer.bytes, answer.fromJson] : [answer.bytes]) {
    if (bytes === golden) continue;
    const type = typeOf(vector.type);
    assert.ok(hasOneof(type), `${what} has other bytes`);
    const data = Buffer.from(bytes ?? "", "base64");
    const again = encode(type, decode(type, new Uint8Array(data)));
    assert.equal(Buffer.from(again).toString("base64"), canonical.bytes, `${what}, other fields`);
    assert.equal(data.length, vector.bytes.length, `${what}, other length`);
    reordered = true;
  }
  return reordered;
}

const scores = new Map<string, Score>();

/** Checks all answers of a runner. The TypeScript of this process says what invalid ones print. */
function checkAll(runner: string, text: string, canonical: readonly Answer[]): void {
  const answers = text.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer);
  assert.equal(answers.length, vectors.length);
  let otherOrder = 0;
  vectors.forEach((vector, index) => {
    if (checkAnswer(vector, answers[index]!, canonical[index]!)) otherOrder++;
  });
  const count = (is: (vector: Vector) => boolean): number => vectors.filter(is).length;
  const refused = count((vector) => vector.rules === undefined);
  scores.set(runner, {
    refused,
    otherOrder,
    sameBytes: vectors.length - refused - otherOrder,
    valid: count((vector) => vector.rules?.length === 0),
    broken: count((vector) => (vector.rules?.length ?? 0) > 0),
  });
}

const RUNNER = join(ROOT, "tests", "interop", "_vectors_runner.ts");
const ARGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["run", "-A", "--no-check", RUNNER],
  node: ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", RUNNER],
  bun: ["run", RUNNER],
};

async function onRuntime(name: RuntimeName): Promise<string> {
  const { path } = await findRuntime(name);
  return await output(path, [...ARGS[name], FOLDER], { cwd: ROOT });
}

async function onGo(): Promise<string> {
  const { vectors: program } = await goPrograms("vectors");
  return await output(program, [FOLDER]);
}

async function onPython(): Promise<string> {
  const runner = join(ROOT, "tests", "interop", "python", "vectors.py");
  return await output(await sharedPython(), ["-B", runner, FOLDER]);
}

let canonical: Promise<readonly Answer[]> | undefined;

/** What Deno says of each vector: what others print of invalid messages must be the same. */
function onDeno(): Promise<readonly Answer[]> {
  return canonical ??= onRuntime("deno").then((text) =>
    text.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer)
  );
}

const RUNNERS: Readonly<Record<string, () => Promise<string>>> = {
  Deno: () => onRuntime("deno"),
  Node: () => onRuntime("node"),
  Bun: () => onRuntime("bun"),
  ...(tools("go") ? { Go: onGo } : {}),
  ...(tools("python3") ? { Python: onPython } : {}),
};

for (const [name, run] of Object.entries(RUNNERS)) {
  test(`vectors, ${name} decodes, prints, encodes and checks every one as it is written`, async () => {
    checkAll(name, await run(), await onDeno());
    if (scores.size === Object.keys(RUNNERS).length) console.log(table());
  });
}

function table(): string {
  const head = ["runner", "valid", "break rules", "refused", "same bytes", "other order of fields"];
  const rows = [...scores].map(([runner, score]) =>
    [runner, score.valid, score.broken, score.refused, score.sameBytes, score.otherOrder].map(
      String,
    )
  );
  return [head, ...rows].map((row) => row.map((cell) => cell.padEnd(13)).join("")).join("\n");
}

test("vectors are those that the contracts give", async () => {
  const args = ["run", "-A", "--no-check", "tools/vectors.ts", "--check"];
  const said = await output(Deno.execPath(), args, { cwd: ROOT });
  // A rule that nothing breaks would be one that no language was asked about.
  const leftOut = said.split("\n").filter((line) => line.startsWith("left out: "));
  assert.deepEqual(
    leftOut.filter((line) => !/max_items: [0-9]{4,} items are too many for a vector$/.test(line)),
    [],
  );
});

for (const bad of ["1e5", "+1", ".5", "01", "NaN", "-0", "", "1\n"]) {
  const shown = JSON.stringify(bad);
  test(`vectors, ${shown} breaks string.pattern and nothing else in each of the four decimals`, () => {
    const patterns = vectors.flatMap(({ type, bytes, rules }) => {
      const [only = "", ...others] = rules ?? [];
      const field = typeOf(type).fields.find((each) => only === `${each.name} string.pattern`);
      if (others.length > 0 || field === undefined) return [];
      const message = decode(typeOf(type), bytes) as unknown as Record<string, unknown>;
      return message[field.localName] === bad ? [patternOf(field)] : [];
    });
    assert.deepEqual(DECIMAL_PATTERNS.filter((pattern) => !patterns.includes(pattern)), []);
  });
}

test("vectors, every message has its smallest and a full one, every field is set in a valid one", () => {
  for (const type of messageTypes) {
    const own = vectors.filter((vector) => vector.type === type.typeName);
    const valid = own.filter((vector) => vector.json !== undefined);
    const names = valid.map((vector) => vector.name);
    assert.ok(names.includes("smallest") && names.includes("full"), type.typeName);
    assert.equal(new Set(own.map((vector) => vector.name)).size, own.length, type.typeName);
    const set = new Set(valid.flatMap((vector) => Object.keys(vector.json as object)));
    assert.deepEqual(type.fields.map((field) => field.name).filter((name) => !set.has(name)), []);
  }
});

test("vectors, every required field and every rule over several fields is broken by one", () => {
  const broken = new Set(
    vectors.flatMap(({ type, rules }) => rules?.map((rule) => `${type} ${rule}`) ?? []),
  );
  for (const type of messageTypes) {
    for (const { id } of rulesOfMessage(type).cel) {
      assert.ok(broken.has(`${type.typeName}  ${id}`), id);
    }
    for (const field of type.fields.filter((each) => rulesOfField(each).required)) {
      assert.ok(broken.has(`${type.typeName} ${field.name} required`), field.toString());
    }
  }
});
