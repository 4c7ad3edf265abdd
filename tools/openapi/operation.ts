import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { exclusives, isRequired, rulesOfMessage } from "../schema/rules.ts";
import { type Schema, undescribed } from "../schema/schema.ts";
import { type DocumentContext, reference } from "./context.ts";
import type { Binding } from "./http_rule.ts";
import { fieldSchema, ruleTexts } from "./messages.ts";

/** A body that is a part of a message: what is left once the path has its share. */
export interface Body {
  /** Name of its schema. */
  readonly name: string;
  readonly desc: DescMessage;
  /** Fields that stand in the path. */
  readonly without: readonly string[];
}

/** An operation, and the body that it needs a schema for. */
export interface Operation {
  readonly schema: Schema;
  readonly body: Body | undefined;
}

/**
 * The operation of one way to call a method.
 *
 * @param method The method.
 * @param binding The way.
 * @param index Which of the method's ways it is, from 0.
 * @param context The document.
 */
export function operationOf(
  method: DescMethod,
  binding: Binding,
  index: number,
  context: DocumentContext,
): Operation {
  const { input, parent } = method;
  const { text = "" } = context.comments.get(`${parent.typeName}.${method.name}`) ?? {};
  const [, summary = text, rest = ""] = /^(.+?\.)(?:\s+([^]*))?$/.exec(text) ?? [];
  const inQuery = binding.body === "";
  const parameters = [
    ...binding.pathFields.map((path) => pathParameter(input, path, context)),
    ...(binding.body === "*" ? [] : queryParameters(input, binding, context)),
  ];
  const { content, body } = bodyOf(method, binding, index, context);
  const description = [
    rest,
    ...(inQuery ? queryTexts(input, context) : []),
    ...(method.methodKind === "server_streaming" ? [STREAM] : []),
  ].filter((each) => each !== "").join("\n\n");
  return {
    body,
    schema: {
      tags: [parent.name],
      summary,
      ...(description === "" ? {} : { description }),
      operationId: `${parent.name}_${method.name}${index === 0 ? "" : `_${index + 1}`}`,
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(content === undefined ? {} : { requestBody: { required: true, content } }),
      responses: {
        "200": { description: "The answer.", content: answer(method, binding, context) },
        "4XX": { $ref: "#/components/responses/Refused" },
        default: { $ref: "#/components/responses/Failed" },
      },
      ...(method.deprecated ? { deprecated: true } : {}),
    },
  };
}

const STREAM =
  "The answer is a stream: one message of JSON a line, as long as the caller listens. " +
  "The schema is that of a line.";

function bodyOf(
  method: DescMethod,
  binding: Binding,
  index: number,
  context: DocumentContext,
): { content: Schema | undefined; body: Body | undefined } {
  const { input } = method;
  if (binding.body === "") return { content: undefined, body: undefined };
  const json = (schema: Schema): Schema => ({ "application/json": { schema } });
  if (binding.body !== "*") {
    return { content: json(fieldSchema(fieldOf(input, binding.body), context)), body: undefined };
  }
  const nested = binding.pathFields.find((path) => path.includes("."));
  if (nested !== undefined) {
    throw new Error(`Cannot take ${nested} out of the body of ${method.name}: it is a part of it`);
  }
  if (binding.pathFields.length === 0) {
    return { content: json(reference(input, context)), body: undefined };
  }
  const name = `${input.typeName}Body${index === 0 ? "" : index + 1}`;
  const content = json({ $ref: `#/components/schemas/${name}` });
  return { content, body: { name, desc: input, without: binding.pathFields } };
}

function answer(
  { output, methodKind }: DescMethod,
  binding: Binding,
  context: DocumentContext,
): Schema {
  const schema = binding.responseBody === ""
    ? reference(output, context)
    : fieldSchema(fieldOf(output, binding.responseBody), context);
  return { [methodKind === "unary" ? "application/json" : "application/x-ndjson"]: { schema } };
}

function fieldOf(desc: DescMessage, name: string): DescField {
  const field = desc.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`Cannot find ${name} in ${desc.typeName}`);
  return field;
}

function pathParameter(input: DescMessage, path: string, context: DocumentContext): Schema {
  const names = path.split(".");
  let desc = input;
  for (const name of names.slice(0, -1)) desc = fieldOf(desc, name).message ?? input;
  const [schema, description] = undescribed(fieldSchema(fieldOf(desc, names.at(-1)!), context));
  return { name: path, in: "path", required: true, description, schema };
}

function queryParameters(input: DescMessage, binding: Binding, context: DocumentContext): Schema[] {
  const parameters: Schema[] = [];
  const add = (desc: DescMessage, prefix: string, isNeeded: boolean): void => {
    for (const field of desc.fields) {
      const name = prefix + field.name;
      if (binding.pathFields.includes(name) || name === binding.body) continue;
      const needed = isNeeded && isRequired(field);
      if (isRequired(field) && !needed) {
        // Needed only with its neighbours, which parameters cannot say.
        context.leftOut.push({ message: desc.typeName, field: field.name, rule: "required" });
      }
      if (field.fieldKind === "message" && !field.message.typeName.startsWith("google.protobuf.")) {
        refuseRules(field.message);
        add(field.message, `${name}.`, needed);
        continue;
      }
      const { deprecated, ...rest } = fieldSchema(field, context);
      const [schema, description] = undescribed(rest);
      const isList = field.fieldKind === "list";
      const isPlain = isList ? field.listKind !== "message" : schema.type !== "object";
      if (!isPlain) throw new Error(`Cannot write ${name} of ${desc.typeName} in a query`);
      parameters.push({
        name,
        in: "query",
        description,
        ...(needed ? { required: true } : {}),
        ...(deprecated === undefined ? {} : { deprecated }),
        ...(isList ? { style: "form", explode: true } : {}),
        ...(takesEmpty(schema) ? { allowEmptyValue: true } : {}),
        schema,
      });
    }
  };
  add(input, "", true);
  return parameters;
}

/** Whether the empty text is a value, as in `page_token=`. */
function takesEmpty({ type, format, minLength, pattern, enum: names }: Schema): boolean {
  const isFree = format === undefined && minLength === undefined && names === undefined;
  return type === "string" && isFree &&
    (pattern === undefined || new RegExp(String(pattern), "u").test(""));
}

/** Nothing is lost of a message whose fields become parameters, save that some go together. */
function refuseRules(desc: DescMessage): void {
  if (exclusives(desc).length === 0 && rulesOfMessage(desc).cel.length === 0) return;
  throw new Error(`Cannot write ${desc.typeName} in a query: it has rules of its own`);
}

/** What parameters cannot say of one another, in words. */
function queryTexts(input: DescMessage, context: DocumentContext): string[] {
  const choices = exclusives(input).map(({ fields, required }) => {
    const rule = required ? "required" : "message.oneof";
    context.leftOut.push({ message: input.typeName, field: fields.join(), rule });
    return `Rule: ${required ? "exactly" : "at most"} one of ${fields.join(", ")}.`;
  });
  return [...choices, ...ruleTexts(input, context)];
}
