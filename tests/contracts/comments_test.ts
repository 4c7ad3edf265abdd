import { type DescField, type DescMessage, getOption, type JsonValue } from "@bufbuild/protobuf";
import { oneof as oneofRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, messageTypes, violations } from "../../contracts/mod.ts";
import { commentsOf, DECIMAL_PATTERNS, ownFiles, patternOf, rulesOfField } from "./_image.ts";

/** A field, with what its comment says in one line. */
interface Commented {
  readonly type: DescMessage;
  readonly field: DescField;
  readonly text: string;
  readonly path: string;
}

const fields: readonly Commented[] = ownFiles.flatMap((file) => {
  const comments = commentsOf(file);
  return file.messageType.flatMap((message, at) => {
    const type = messageTypes.find((each) => each.typeName === `${file.package}.${message.name}`)!;
    return message.field.map((proto, index): Commented => ({
      type,
      field: type.fields.find((each) => each.number === proto.number)!,
      text: (comments.get(`4,${at},2,${index}`) ?? "").replaceAll(/\s+/g, " ").trim(),
      path: `${type.typeName}.${proto.name}`,
    }));
  });
});

/** The value behind `Example:`, or the message it points to. */
const exampleOf = (text: string): string | undefined => / Example: (.+)\.$/.exec(text)?.[1];

const isOwnMessage = ({ field }: Commented): boolean =>
  field.fieldKind !== "map" && field.message?.typeName.startsWith("cqc.") === true;

test("contracts, every field's comment gives an example", () => {
  const without = fields.filter(({ text }) =>
    exampleOf(text) === undefined && !text.includes("for example") && !text.includes("such as")
  );
  assert.deepEqual(without.map(({ path }) => path), []);
  assert.ok(fields.length > 2000);
});

test("contracts, the example of a field that holds a message points to that message", () => {
  const wrong = fields.filter((each) =>
    isOwnMessage(each) && (exampleOf(each.text) ?? "see ").startsWith("see ") &&
    exampleOf(each.text) !== undefined &&
    exampleOf(each.text) !== `see ${each.field.message?.name}`
  );
  assert.deepEqual(wrong.map(({ path }) => path), []);
});

test("contracts, the example of every field keeps the rules of the field", () => {
  const wrong = fields.flatMap((each) => {
    const { type, field, text, path } = each;
    const example = exampleOf(text);
    if (example === undefined || isOwnMessage(each)) return [];
    const value = JSON.parse(example) as JsonValue;
    const broken = violations(type, fromJson(type, { [field.name]: value }))
      .filter((one) => one.field.split(/[.[]/)[0] === field.name);
    return broken.map((one) => `${path} ${one.rule}`);
  });
  assert.deepEqual(wrong, []);
});

test("contracts, every required field says so, or who fills it in", () => {
  const silent = fields.filter(({ field, text }) =>
    rulesOfField(field).required && !/\b[Rr]equired\b|The bus fills|never absent/.test(text)
  );
  assert.deepEqual(silent.map(({ path }) => path), []);
});

test("contracts, no field that may be absent says that it is required", () => {
  const wrong = fields.filter(({ field, text }) => {
    const { required, type } = rulesOfField(field);
    const some = type.case === "repeated" && type.value.minItems > 0n;
    return !required && !some && /\bRequired[.:]/.test(text);
  });
  assert.deepEqual(wrong.map(({ path }) => path), []);
});

test("contracts, every member of a oneof says what its absence means", () => {
  for (const { field, text, path } of fields) {
    if (field.oneof === undefined || /[Dd]efault|Required/.test(text)) continue;
    assert.match(text, /Absent:/, path);
    const { required } = getOption(field.oneof, oneofRules);
    if (/another member of \w+ is set/.test(text)) {
      assert.equal(text.includes("is set, or none."), !required, path);
    }
  }
});

test("contracts, every decimal's comment names a unit or says what it is a share of", () => {
  const unit = new RegExp(
    "[Uu]nits?\\b|in the |fraction|basis points|currency|quote asset|US dollars|multiple|0 to 1|" +
      "in valuation_asset_id|in size_unit|_unit\\b|Step of prices|see update_mask|from 0|points?\\b|" +
      "volatility|over collateral|over open interest|everage|[Tt]imes",
  );
  const without = fields.filter(({ field, text }) =>
    DECIMAL_PATTERNS.includes(patternOf(field)) && !unit.test(text)
  );
  assert.deepEqual(without.map(({ path, text }) => `${path}: ${text}`), []);
});
