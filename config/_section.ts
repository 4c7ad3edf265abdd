import type { DescMessage } from "@bufbuild/protobuf";
import { violations } from "../contracts/mod.ts";
import type { StandardSchemaIssue } from "../core/mod.ts";
import { decodeMessage, jsonOf } from "./_decode.ts";
import { externalName, type FieldTable, isFieldsSchema } from "./fields.ts";
import { looksSecret } from "./_hidden.ts";
import { childPath, type Findings } from "./_problems.ts";
import { LEAF, SECRET, type Shape, shapeOf, type Slot } from "./_shape.ts";
import type { ConfigMap, ConfigNode, ConfigProblem } from "./source.ts";
import type { SectionSchema } from "./section_schema.ts";

function isMessage(schema: SectionSchema): schema is DescMessage {
  return (schema as { kind?: unknown }).kind === "message";
}

/** The names of a section, as far as its schema tells. */
export function sectionSlot(schema: SectionSchema, known: ConfigNode | undefined): Slot {
  if (isMessage(schema)) return { kind: "group", shape: () => shapeOf(schema) };
  if (!isFieldsSchema(schema)) return { kind: "open", known };
  return { kind: "group", shape: () => tableShape(schema.fields) };
}

function tableShape(table: FieldTable): Shape {
  const slots = new Map<string, Slot>();
  for (const [name, field] of Object.entries(table)) {
    const slot: Slot = isFieldsSchema(field)
      ? { kind: "group", shape: () => tableShape(field.fields) }
      : field.form === "list"
      ? { kind: "list", item: LEAF }
      : field.form === "secret"
      ? SECRET
      : LEAF;
    slots.set(externalName(name), slot);
  }
  return { slots, exclusive: [] };
}

/**
 * Makes a section's value of its settings.
 *
 * @param schema What describes it.
 * @param name Its name.
 * @param node Its settings; undefined when no source has it.
 * @param findings Takes mistakes and places.
 */
export async function readSection(
  schema: SectionSchema,
  name: string,
  node: ConfigNode | undefined,
  findings: Findings,
): Promise<unknown> {
  const map: ConfigNode = node ?? { kind: "map", entries: new Map(), at: "" };
  if (isMessage(schema)) {
    if (map.kind === "map") return readMessageSection(schema, name, map, findings);
    findings.refuse(name, map, "must be settings by name");
    return undefined;
  }
  const texts = isFieldsSchema(schema) ? tableShape(schema.fields) : undefined;
  const first = plainOf(map, name, { slot: texts && groupOf(texts), flip: new Set(), findings });
  let result = await schema["~standard"].validate(first);
  if (result.issues !== undefined && texts === undefined) {
    // Only the schema knows whether a variable's `8080` is a number or a text: try the other one.
    const flip = new Set(result.issues.map((issue) => pathOf(name, issue)));
    const second = plainOf(map, name, { slot: undefined, flip, findings });
    const again = await schema["~standard"].validate(second);
    if ((again.issues?.length ?? 0) < result.issues.length) result = again;
  }
  if (result.issues === undefined) return result.value;
  const hidden = secretTexts(map, "");
  for (const issue of result.issues) {
    const path = pathOf(name, issue);
    findings.problems.push({
      path,
      source: findings.sourceOf(path) ?? "",
      message: hidden.reduce((text, each) => text.replaceAll(each, "[redacted]"), issue.message),
    });
  }
  return undefined;
}

const groupOf = (shape: Shape): Slot => ({ kind: "group", shape: () => shape });

function readMessageSection(
  desc: DescMessage,
  name: string,
  map: ConfigMap,
  findings: Findings,
): unknown {
  const { message } = decodeMessage(desc, map, name, findings);
  findings.problems.push(...ruleProblems(desc, message, name, findings, undefined));
  return message;
}

/** The rules that a message breaks, but those about settings that were refused already. */
export function ruleProblems(
  desc: DescMessage,
  message: Parameters<typeof violations>[1],
  prefix: string,
  findings: Findings,
  variablePrefix: string | undefined,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const { field, rule, message: text } of violations(desc, message)) {
    const path = field === "" ? prefix : childPath(prefix, field);
    if (findings.isTold(path)) continue;
    const missing = rule === "required" && !findings.places.has(path);
    const hint = variablePrefix === undefined || /[[\]"]/.test(path)
      ? ""
      : `; a file or ${variablePrefix}${path.toUpperCase().replaceAll(".", "_")} can set it`;
    problems.push({
      path,
      source: findings.sourceOf(path) ?? "",
      message: missing && text === "value is required" ? `is required${hint}` : text,
    });
  }
  return problems;
}

function pathOf(name: string, issue: StandardSchemaIssue): string {
  let path = name;
  for (const step of issue.path ?? []) {
    const key = typeof step === "object" ? step.key : step;
    path = typeof key === "number" ? `${path}[${key}]` : childPath(path, String(key));
  }
  return path;
}

interface Plain {
  /** Where names are known: values are given as their texts. */
  readonly slot: Slot | undefined;
  /** Values from variables that are given as text. */
  readonly flip: ReadonlySet<string>;
  readonly findings: Findings;
}

function plainOf(node: ConfigNode, path: string, plain: Plain): unknown {
  const { slot, findings } = plain;
  if (node.kind === "scalar") {
    const { reference } = node;
    if (slot?.kind === "group" && slot.secret && reference !== undefined) {
      const text = reference.env === undefined
        ? `file ${reference.file}`
        : `variable ${reference.env}`;
      findings.places.set(path, { at: node.at, text });
      if (reference.env !== undefined) findings.secretVariables.add(reference.env);
      return reference;
    }
    const value = jsonOf(node, path, findings);
    const asText = (slot !== undefined && node.value !== null) ||
      (node.loose === true && plain.flip.has(path));
    return asText ? node.text : value;
  }
  findings.places.set(path, { at: node.at });
  if (node.kind === "list") {
    const item = slot?.kind === "list" ? slot.item : slot && LEAF;
    return node.items.map((each, i) => plainOf(each, `${path}[${i}]`, { ...plain, slot: item }));
  }
  const object: Record<string, unknown> = Object.create(null);
  const shape = slot?.kind === "group" ? slot.shape() : undefined;
  for (const [key, child] of node.entries) {
    const inner = shape?.slots.get(key) ?? (slot && LEAF);
    const here = childPath(path, key);
    object[key] = plainOf(child, here, { ...plain, slot: inner });
    if (slot?.kind === "group" && slot.secret && key === "env" && child.kind === "scalar") {
      findings.secretVariables.add(child.text);
    }
  }
  return object;
}

/** Texts that no message of somebody else's schema may show. */
function secretTexts(node: ConfigNode, key: string): string[] {
  if (node.kind === "scalar") {
    const hidden = node.secret === true || looksSecret(key);
    return hidden && node.text !== "" ? [node.text] : [];
  }
  if (node.kind === "list") return node.items.flatMap((item) => secretTexts(item, key));
  return [...node.entries].flatMap(([name, child]) =>
    secretTexts(child, looksSecret(key) ? key : name)
  );
}
