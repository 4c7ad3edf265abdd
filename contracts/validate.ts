import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { CqiError } from "../errors/mod.ts";
import { fastPlans, type Plans } from "./_fast_plan.ts";

/** One rule that a message breaks. */
export interface Violation {
  /** Path of the field, for example `price.price` or `fees[0].amount`; empty for the message. */
  readonly field: string;
  /** Id of the rule, for example `string.pattern`, `required` or `order.price_matches_type`. */
  readonly rule: string;
  /** What the rule wants; never the value. */
  readonly message: string;
}

/** How many violations an error's message spells out; all of them are in its details. */
const SHOWN = 5;

// The one lazily built thing at module level: a validator holds nothing but compiled rules of the
// schemas that it has seen, which depend on the schemas alone, so who shares it cannot be told.
// Compiling them anew for each caller would cost milliseconds a schema.
let shared: Validator | undefined;
const validator = (): Validator => shared ??= createValidator();
// The same holds for the plans.
let plans: Plans | undefined;

/**
 * Lists the rules of the contracts that a message breaks; an empty list means that it is valid.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @throws {CqiError} `CQI_INTERNAL` when the schema's own rules cannot be compiled.
 */
export function violations<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): readonly Violation[] {
  plans ??= fastPlans();
  if (plans.isValid(schema, message)) return [];
  const result = validator().validate(schema, message);
  if (result.kind === "valid") return [];
  if (result.kind === "invalid") {
    return result.violations.map((violation) => ({
      field: pathToString(violation.field),
      rule: violation.ruleId,
      message: violation.message,
    }));
  }
  if (result.error.name === "CompilationError") {
    throw new CqiError("CQI_INTERNAL", `Cannot compile the rules of ${schema.typeName}`, {
      cause: result.error,
    });
  }
  // A rule could not be evaluated, so the message holds what the schema does not allow, such as a
  // value of another type. The error's text may show the value.
  return [{
    field: "",
    rule: "unreadable",
    message: `must be a well-formed ${schema.typeName}`,
  }];
}

/**
 * Checks a message against the rules of the contracts (`buf.validate`).
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @throws {CqiError} `CQI_CONTRACT_INVALID`, whose message names field paths and rules and whose
 * `details.violations` lists all of them; values are never shown.
 *
 * @example
 * ```ts
 * import { validate } from "@cq/cqi/contracts";
 * import { isCqiError } from "@cq/cqi/errors";
 * import { FeeSchema } from "@cq/cqi/cqc/venues/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const fee = create(FeeSchema, {
 *   assetId: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
 *   amount: "1e-5",
 *   kind: 1,
 * });
 * assert.throws(() => validate(FeeSchema, fee), (error) => {
 *   assert(isCqiError(error, "CQI_CONTRACT_INVALID"));
 *   const [first] = error.details.violations as { field: string; rule: string }[];
 *   assert.equal(first?.field, "amount");
 *   assert.equal(first?.rule, "string.pattern");
 *   return true;
 * });
 * ```
 */
export function validate<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): void {
  const found = violations(schema, message);
  if (found.length === 0) return;
  const shown = found.slice(0, SHOWN).map((violation) =>
    `${violation.field === "" ? "message" : violation.field} ${violation.message} ` +
    `(${violation.rule})`
  );
  const more = found.length > SHOWN ? `, and ${found.length - SHOWN} more` : "";
  throw new CqiError(
    "CQI_CONTRACT_INVALID",
    `Cannot accept ${schema.typeName}: ${shown.join("; ")}${more}`,
    { details: { type: schema.typeName, violations: found } },
  );
}
