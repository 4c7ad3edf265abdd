import type { StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { either, integers } from "./ranges.ts";
import { expectOnly } from "./rules.ts";
import type { Schema } from "./schema.ts";

/** A form of text that rules know by name. */
interface Form {
  /** Its name in schemas, which most checkers take for a remark. */
  readonly format?: string;
  /** What every such text matches; exact unless `partly`. */
  readonly pattern: string;
  /** Whether texts match that are not of the form. */
  readonly partly: boolean;
}

const PORT = either(["0", integers(1n, 65535n)]);

/** The forms by the name of their rule. */
export const FORMS: Readonly<Record<string, Form>> = {
  uuid: {
    format: "uuid",
    pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    partly: false,
  },
  // RFC 3986 without the structure behind the scheme.
  uri: {
    format: "uri",
    pattern: "^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%\\[\\]-]*$",
    partly: true,
  },
  uri_ref: { pattern: "^[A-Za-z0-9._~:/?#@!$&'()*+,;=%\\[\\]-]*$", partly: true },
  host_and_port: {
    pattern: `^(?:[A-Za-z0-9.-]+|\\[[0-9A-Za-z:.%_~-]+\\]):${PORT}$`,
    partly: true,
  },
  ip_prefix: { pattern: "^[0-9a-fA-F:.]+/[0-9]{1,3}$", partly: true },
};

/** Rules about texts, as keywords. */
export interface StringKeywords {
  /** Keywords that stand once in a schema. */
  readonly base: Schema;
  /** Patterns that must all match. */
  readonly patterns: readonly string[];
  /** Rules that the keywords hold in part only. */
  readonly partly: readonly string[];
}

/** Reads rules about a text. */
export function stringKeywords(rules: StringRules | undefined): StringKeywords {
  if (rules === undefined) return { base: {}, patterns: [], partly: [] };
  const known = ["pattern", "min_len", "max_len", "in", "not_in", ...Object.keys(FORMS)];
  expectOnly(rules, known);
  const name = rules.wellKnown.case?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const form = name === undefined ? undefined : FORMS[name];
  const patterns = [form?.pattern ?? "", rules.pattern].filter((each) => each !== "");
  return {
    base: {
      ...(form?.format === undefined ? {} : { format: form.format }),
      ...(rules.in.length === 0 ? {} : { enum: rules.in }),
      ...(rules.notIn.length === 0 ? {} : { not: { enum: rules.notIn } }),
      ...(rules.minLen === 0n ? {} : { minLength: Number(rules.minLen) }),
      ...(rules.maxLen === 0n ? {} : { maxLength: Number(rules.maxLen) }),
    },
    patterns,
    partly: form?.partly ? [`string.${name}`] : [],
  };
}
