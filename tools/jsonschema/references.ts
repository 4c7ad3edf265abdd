// The grammar of `${NAME}`, `${NAME:-default}` and `${file:path}` in configuration files, as
// config/interpolate.ts reads it, in regular expressions.
import type { Schema } from "../schema/schema.ts";

const NAME = "[A-Za-z_][A-Za-z0-9_]{0,254}";
// What may stand before the closing brace: anything but "}" and a further "${".
const INNER = "(?:[^}$]|\\$+[^{}$])*\\$*";
const REFERENCE = `\\$\\{(?:${NAME}(?::-${INNER})?|file:${INNER})\\}`;
const PLAIN = "[^$]|\\$+[^${]";

/** Text without a reference and without the beginning of one. */
export const WITHOUT_REFERENCE = `^(?:${PLAIN})*\\$*$`;

/** Text whose references, if it has any, are well formed; `$${` stands for `${`. */
const WELL_FORMED = `^(?:${PLAIN}|\\$\\$+\\{|${REFERENCE})*\\$*$`;

/** Definitions that the values of files refer to. */
export const DEFINITIONS: Readonly<Record<string, Schema>> = {
  reference: {
    description: "A text with ${NAME}, ${NAME:-default} or ${file:path}, which is replaced.",
    type: "string",
    allOf: [{ pattern: "\\$\\{" }, { pattern: WELL_FORMED }],
  },
  secret_reference: {
    description: "Where a secret lies: ${NAME} or ${file:path}, and nothing besides.",
    type: "string",
    pattern: `^${REFERENCE}$`,
  },
  key: {
    description: "A name; some could do harm.",
    not: { enum: ["__proto__", "constructor", "prototype", "<<"] },
  },
  anything: {
    description: "Any value; texts may have references.",
    anyOf: [
      { type: ["number", "boolean", "null"] },
      { type: "string", pattern: WELL_FORMED },
      { type: "array", items: { $ref: "#/$defs/anything" } },
      { $ref: "#/$defs/settings_of_any_name" },
    ],
  },
  settings_of_any_name: {
    type: "object",
    propertyNames: { $ref: "#/$defs/key" },
    additionalProperties: { $ref: "#/$defs/anything" },
  },
};

/** A schema that is one of the definitions. */
export const definition = (name: string): Schema => ({ $ref: `#/$defs/${name}` });

/** A value that may be a reference instead. */
export const orReference = (...schemas: readonly Schema[]): Schema[] => [
  ...schemas,
  definition("reference"),
];
