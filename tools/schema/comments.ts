import type { JsonValue } from "@bufbuild/protobuf";
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** What the comment before a message, field, value, service or call says. */
export interface Comment {
  /** Its text, a paragraph a line. */
  readonly text: string;
  /** The JSON of its Example block. */
  readonly example?: JsonValue;
}

/** Comments by full name; a member's is the name of what it belongs to, a point, and its own. */
export type Comments = ReadonlyMap<string, Comment>;

// google/protobuf/descriptor.proto: the field numbers that make the paths of SourceCodeInfo.
const FILE = { message: 4, enum: 5, service: 6 } as const;
const MESSAGE = { field: 2, nested: 3, enum: 4, oneof: 8 } as const;
const MEMBER = 2;

/** Reads the comments of some files. */
export function commentsOf(files: readonly FileDescriptorProto[]): Comments {
  const comments = new Map<string, Comment>();
  for (const file of files) {
    const texts = new Map(
      (file.sourceCodeInfo?.location ?? []).map((each) => [each.path.join(), each.leadingComments]),
    );
    const add = (name: string, path: readonly number[]): void => {
      const text = texts.get(path.join());
      if (text !== undefined && text !== "") comments.set(name, readComment(text));
    };
    const members = (
      list: readonly { readonly name: string }[],
      parent: string,
      path: readonly number[],
    ): void => list.forEach(({ name }, i) => add(`${parent}.${name}`, [...path, i]));
    const enumeration = (desc: EnumDescriptorProto, scope: string, path: number[]): void => {
      const name = `${scope}.${desc.name}`;
      add(name, path);
      members(desc.value, name, [...path, MEMBER]);
    };
    const message = (desc: DescriptorProto, scope: string, path: number[]): void => {
      const name = `${scope}.${desc.name}`;
      add(name, path);
      members(desc.field, name, [...path, MESSAGE.field]);
      members(desc.oneofDecl, name, [...path, MESSAGE.oneof]);
      desc.nestedType.forEach((each, i) => message(each, name, [...path, MESSAGE.nested, i]));
      desc.enumType.forEach((each, i) => enumeration(each, name, [...path, MESSAGE.enum, i]));
    };
    file.messageType.forEach((each, i) => message(each, file.package, [FILE.message, i]));
    file.enumType.forEach((each, i) => enumeration(each, file.package, [FILE.enum, i]));
    file.service.forEach((each, i) => {
      const name = `${file.package}.${each.name}`;
      add(name, [FILE.service, i]);
      members(each.method, name, [FILE.service, i, MEMBER]);
    });
  }
  return comments;
}

function readComment(raw: string): Comment {
  const [text = "", example] = raw.split(/^ ?Example:\n/m);
  const paragraphs = text.split(/\n\s*\n/).map((each) => each.replaceAll(/\s*\n\s*/g, " ").trim());
  return {
    text: paragraphs.filter((each) => each !== "").join("\n\n"),
    ...(example === undefined ? {} : { example: JSON.parse(example) as JsonValue }),
  };
}
