import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Files } from "./gen_files.ts";
import { DURATION_DEFINITIONS } from "./jsonschema/durations.ts";
import { messageReference, messageSchema, type SchemaContext } from "./jsonschema/messages.ts";
import { definition, DEFINITIONS } from "./jsonschema/references.ts";
import { type Comments, commentsOf } from "./schema/comments.ts";
import type { Schema } from "./schema/schema.ts";

const ROOT = "cqc.config.v1.CqiConfig";

const ABOUT =
  "Settings of a service, as a YAML or JSON file. Durations need a unit (30s, 1h30m), " +
  "settings that end in _bytes take sizes (10MiB), ratios take percentages; ${NAME}, " +
  "${NAME:-default} and ${file:path} are replaced; null takes back what weaker sources say.";

/** The two schemas: of a file that says everything, and of one among several sources. */
const VARIANTS = [
  { name: "cqi_config", whole: true, about: "A file that says everything that is required." },
  { name: "cqi_config_part", whole: false, about: "A file that other sources stand beside." },
] as const;

/**
 * Makes the JSON Schemas of configuration files.
 *
 * @param image The descriptor image with the comments of our own files.
 * @returns The files of gen/jsonschema.
 */
export function generateJsonSchema(image: Uint8Array): Files {
  const set = fromBinary(FileDescriptorSetSchema, image);
  const root = createFileRegistry(set).getMessage(ROOT);
  if (root === undefined) throw new Error(`Cannot find ${ROOT} in the descriptor image`);
  const comments = commentsOf(set.file.filter((file) => file.name.startsWith("cqc/")));
  return new Map(VARIANTS.map(({ name, whole, about }) => {
    const schema = fileSchema(root, comments, whole);
    const described = { ...HEADER, $id: `urn:cqc:config:v1:${name}`, title: about, ...schema };
    const text = `${JSON.stringify(described, undefined, 2)}\n`;
    return [`${name}.json`, new TextEncoder().encode(text)] as const;
  }));
}

// Only keywords that draft-07 has as well, since editors are behind.
const HEADER: Schema = { $schema: "https://json-schema.org/draft/2020-12/schema" };

function fileSchema(root: DescMessage, comments: Comments, whole: boolean): Schema {
  const context: SchemaContext = { comments, messages: new Map() };
  const reference = messageReference(root, { inList: false, whole }, context);
  const definitions = new Map<string, Schema>(
    Object.entries({ ...DEFINITIONS, ...DURATION_DEFINITIONS }),
  );
  // Grows while it is gone through: messages refer to further ones.
  for (const [name, { desc, placement }] of context.messages) {
    definitions.set(name, messageSchema(desc, placement, context));
  }
  // The root is open, so that the schema of a service can add its own sections to it.
  const { additionalProperties: _, ...open } = definitions.get(ROOT)!;
  definitions.set(ROOT, open);
  definitions.set("sections", {
    description: "Names of the library's sections.",
    enum: root.fields.map((field) => field.name),
  });
  const sorted = [...definitions].sort(([a], [b]) => a < b ? -1 : 1);
  return {
    description: ABOUT,
    // A file among several may be empty.
    ...(whole ? { allOf: [reference] } : { anyOf: [reference, { type: "null" }] }),
    propertyNames: definition("sections"),
    $defs: Object.fromEntries(sorted),
  };
}
