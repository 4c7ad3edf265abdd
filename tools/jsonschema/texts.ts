import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { also, type Schema } from "../schema/schema.ts";
import { stringKeywords } from "../schema/strings.ts";
import { orReference, WITHOUT_REFERENCE } from "./references.ts";

/**
 * What a text may be in a file. An unquoted number is a text, too: `version: 1.4`.
 *
 * @param rules Its rules.
 */
export function textValues(rules: FieldRules | undefined): Schema[] {
  const { base, patterns } = stringKeywords(
    rules?.type.case === "string" ? rules.type.value : undefined,
  );
  const isFree = patterns.length === 0 && base.enum === undefined;
  for (const pattern of patterns) {
    if (pattern.includes("[^")) throw new Error(`Cannot tell references from texts of ${pattern}`);
  }
  const held = [...patterns, ...(isFree ? [WITHOUT_REFERENCE] : [])];
  const text = base.enum === undefined
    ? also({ type: "string", ...base }, held.map((pattern) => ({ pattern })))
    : { enum: base.enum };
  return orReference(text, ...numbersAsText(base, patterns));
}

/** Numbers whose text the rules take; a reader of YAML has no other form of them. */
function numbersAsText(base: Schema, patterns: readonly string[]): Schema[] {
  const { enum: names, minLength = 1, maxLength = 16 } = base;
  if (names !== undefined) return [];
  const takes = (text: string): boolean =>
    patterns.every((pattern) => new RegExp(pattern, "u").test(text)) &&
    text.length >= Number(minLength) && text.length <= Number(maxLength);
  if (takes("-1.5") || (patterns.length === 0 && takes("1"))) return [{ type: "number" }];
  const lengths = Array.from({ length: 16 }, (_, i) => i + 1).filter((n) => takes("1".repeat(n)));
  if (lengths.length === 0) return [];
  const [shortest, longest] = [lengths[0]!, lengths.at(-1)!];
  return [{
    type: "integer",
    minimum: shortest === 1 ? (takes("0") ? 0 : 1) : 10 ** (shortest - 1),
    maximum: Math.min(10 ** longest - 1, Number.MAX_SAFE_INTEGER),
  }];
}
