import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  getOption,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import {
  field as fieldRules,
  message as messageRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { DescField } from "@bufbuild/protobuf";
import type {
  FieldRules,
  MessageRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { readFileSync } from "node:fs";
import type { JsonValue } from "../../contracts/mod.ts";
import { messageTypes } from "../../contracts/mod.ts";

/** The committed descriptor image, as a set of files. */
export const image: FileDescriptorSet = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL("../../gen/descriptor/cqc.binpb", import.meta.url)),
);

/** The same, linked. */
export const imageRegistry: FileRegistry = createFileRegistry(image);

/** Our own files in it. */
export const ownFiles: readonly FileDescriptorProto[] = image.file.filter((file) =>
  file.name.startsWith("cqc/")
);

/** Rules of a message. */
export const rulesOfMessage = (type: DescMessage): MessageRules => getOption(type, messageRules);

/** Rules of a field. */
export const rulesOfField = (field: DescField): FieldRules => getOption(field, fieldRules);

/** Pattern of a text field or of the items of a list of texts; empty without one. */
export function patternOf(field: DescField): string {
  const rules = rulesOfField(field).type;
  const own = rules.case === "repeated" ? rules.value.items?.type : rules;
  return own?.case === "string" ? own.value.pattern : "";
}

/** The four patterns of decimals: any sign, zero or more, above zero, zero to one. */
export const DECIMAL_PATTERNS: readonly string[] = [
  String
    .raw`^(?:-?[1-9][0-9]{0,37}(?:\.[0-9]{1,38})?|-?0\.[0-9]{0,37}[1-9][0-9]{0,37}|0(?:\.0{1,38})?)$`,
  String.raw`^(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{1,38})?$`,
  String.raw`^(?:[1-9][0-9]{0,37}(?:\.[0-9]{1,38})?|0\.[0-9]{0,37}[1-9][0-9]{0,37})$`,
  String.raw`^(?:0(?:\.[0-9]{1,38})?|1(?:\.0{1,38})?)$`,
];

/** All fields of all messages. */
export const allFields: readonly DescField[] = messageTypes.flatMap((type) => type.fields);

/** Leading comments by path of the descriptor, for example "4,0,2,1". */
export function commentsOf(file: FileDescriptorProto): ReadonlyMap<string, string> {
  return new Map(
    (file.sourceCodeInfo?.location ?? []).map((
      location,
    ) => [location.path.join(","), location.leadingComments]),
  );
}

/** The Example blocks of all message comments, by message name. */
export const examples: ReadonlyMap<string, string> = new Map(
  ownFiles.flatMap((file) => {
    const comments = commentsOf(file);
    return file.messageType.flatMap((type, index) => {
      const [, text] = (comments.get(`4,${index}`) ?? "").split("\n Example:\n");
      return text === undefined ? [] : [[`${file.package}.${type.name}`, text] as const];
    });
  }),
);

/** The Example block of a message, parsed. */
export function example(name: string): Record<string, JsonValue> {
  return JSON.parse(examples.get(name) ?? "null") as Record<string, JsonValue>;
}
