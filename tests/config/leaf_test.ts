import { type DescField, type DescMessage, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessage } from "../../config/_decode.ts";
import { merge } from "../../config/_merge.ts";
import { Findings } from "../../config/_problems.ts";
import { isLeafMessage, shapeOf } from "../../config/_shape.ts";
import { mapVariables } from "../../config/_variables.ts";
import type { ConfigMap, ConfigNode } from "../../config/mod.ts";
import { CqiConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";

interface Leaf {
  /** Fields from the top to the leaf. */
  readonly fields: readonly DescField[];
  /** Two texts of the leaf's type. */
  readonly texts: readonly [string, string];
}

function textsOf(field: DescField): readonly [string, string] | undefined {
  if (field.fieldKind === "enum") return [field.enum.values[1]!.name, field.enum.values[0]!.name];
  if (field.fieldKind === "message") {
    const type = field.message.typeName;
    if (type === "google.protobuf.Duration") return ["1h30m", "250ms"];
    return type === "google.protobuf.Timestamp"
      ? ["2026-01-31T12:00:00Z", "2027-01-31T12:00:00Z"]
      : undefined;
  }
  if (field.fieldKind === "list" && field.listKind === "scalar") return ["1,2", "3"];
  if (field.fieldKind === "map" && field.mapKind === "scalar") return ["a=1,b=2", "c=3"];
  if (field.fieldKind !== "scalar") return undefined;
  switch (field.scalar) {
    case ScalarType.STRING:
      return ["text", "other"];
    case ScalarType.BOOL:
      return ["true", "false"];
    case ScalarType.DOUBLE:
      return ["0.5", "0"];
    default:
      return ["7", "0"];
  }
}

// Every leaf of the configuration that a variable reaches through groups.
function leavesOf(desc: DescMessage, above: readonly DescField[] = []): Leaf[] {
  return desc.fields.flatMap((field): Leaf[] => {
    const fields = [...above, field];
    const texts = textsOf(field);
    if (texts !== undefined) return [{ fields, texts }];
    const isGroup = field.fieldKind === "message" && !isLeafMessage(field.message) &&
      !field.message.typeName.startsWith("google.");
    return isGroup ? leavesOf(field.message, fields) : [];
  });
}

const LEAVES = leavesOf(CqiConfigSchema);
const SHAPE = shapeOf(CqiConfigSchema);
const pathOf = ({ fields }: Leaf): string => fields.map(({ name }) => name).join(".");

function fromFile(leaf: Leaf, text: string): ConfigMap {
  const last = leaf.fields.at(-1)!;
  const scalar = (part: string): ConfigNode => ({
    kind: "scalar",
    value: part,
    text: part,
    at: "f:1",
  });
  const value: ConfigNode = last.fieldKind === "list"
    ? { kind: "list", items: text.split(",").map(scalar), at: "f:1" }
    : last.fieldKind === "map"
    ? {
      kind: "map",
      entries: new Map(
        text.split(",").map((pair) => {
          const [key, part] = pair.split("=") as [string, string];
          return [key, scalar(part)];
        }),
      ),
      at: "f:1",
    }
    : scalar(text);
  return leaf.fields.reduceRight<ConfigNode>(
    (node, { name }) => ({ kind: "map", entries: new Map([[name, node]]), at: "f:1" }),
    value,
  ) as ConfigMap;
}

function fromVariable(leaf: Leaf, text: string): ConfigMap {
  const name = `CQI_${leaf.fields.map((field) => field.name.toUpperCase()).join("_")}`;
  const values = new Map([[name, text]]);
  const { tree, unknown, problems } = mapVariables({ prefix: "CQI_", values }, SHAPE);
  assert.deepEqual([unknown, problems], [[], []], name);
  return tree;
}

// What the leaf has become in the message, as text.
function decoded(leaf: Leaf, tree: ConfigMap): string {
  const findings = new Findings();
  let message = decodeMessage(CqiConfigSchema, tree, "", findings);
  assert.deepEqual(findings.problems, [], pathOf(leaf));
  for (const field of leaf.fields.slice(0, -1)) {
    assert(field.fieldKind === "message");
    message = reflect(field.message, message.get(field).message);
  }
  const last = leaf.fields.at(-1)!;
  assert(isFieldSet(message.message, last), `${pathOf(leaf)} is set`);
  const raw = message.message as unknown as Record<string, unknown>;
  const value = last.oneof === undefined
    ? raw[last.localName]
    : (raw[last.oneof.localName] as { value: unknown }).value;
  return JSON.stringify(value, (_key, part) => typeof part === "bigint" ? `${part}n` : part);
}

test("every leaf of the configuration is reached by its variable and by its name in a file alike", () => {
  assert(LEAVES.length > 150, `${LEAVES.length} leaves`);
  for (const leaf of LEAVES) {
    for (const text of leaf.texts) {
      assert.equal(
        decoded(leaf, fromVariable(leaf, text)),
        decoded(leaf, fromFile(leaf, text)),
        pathOf(leaf),
      );
    }
  }
});

test("every leaf of the configuration takes the stronger source's value, in all four pairs of sources", () => {
  for (const leaf of LEAVES) {
    const [first, second] = leaf.texts;
    const pairs: [ConfigMap, ConfigMap][] = [
      [fromFile(leaf, first), fromFile(leaf, second)],
      [fromFile(leaf, first), fromVariable(leaf, second)],
      [fromVariable(leaf, first), fromFile(leaf, second)],
      [fromVariable(leaf, first), fromVariable(leaf, second)],
    ];
    const last = leaf.fields.at(-1)!;
    // Maps are joined by key; all else is replaced.
    const wanted = last.fieldKind === "map"
      ? decoded(leaf, fromFile(leaf, `${first},${second}`))
      : decoded(leaf, fromFile(leaf, second));
    for (const [weaker, stronger] of pairs) {
      assert.equal(decoded(leaf, merge(weaker, stronger, SHAPE)), wanted, pathOf(leaf));
    }
  }
});

test("every leaf of the configuration with a type of its own refuses text that is not of it", () => {
  for (const leaf of LEAVES) {
    const last = leaf.fields.at(-1)!;
    if (last.fieldKind === "scalar" && last.scalar === ScalarType.STRING) continue;
    if (last.fieldKind === "list" || last.fieldKind === "map") continue;
    const findings = new Findings();
    decodeMessage(CqiConfigSchema, fromFile(leaf, "10 minuts"), "", findings);
    assert.equal(findings.problems.length, 1, pathOf(leaf));
    assert.equal(findings.problems[0]?.path, pathOf(leaf));
    assert.doesNotMatch(findings.problems[0]!.message, /minuts/);
  }
});
