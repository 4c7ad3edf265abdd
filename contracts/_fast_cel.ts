// A part of CEL, for rules of messages: what the contracts use most. What is not known here, or hard
// to say, is UNSURE, and then protovalidate decides.

import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { called } from "./_fast_cel_calls.ts";
import { type CelNode, parseCel } from "./_fast_cel_parser.ts";
import { isSet, type Target } from "./_fast_fields.ts";
import {
  BOOL,
  type Run,
  type Typed,
  typeOf,
  type Types,
  UNSURE,
  type Value,
  valueFits,
} from "./_fast_cel_types.ts";
import { compareSpans } from "./_fast_values.ts";

/**
 * Compiles a rule of a message.
 *
 * @returns Whether a message keeps it for sure; undefined for an expression that is not known here.
 */
export function compileCel(
  expression: string,
  desc: DescMessage,
): ((message: Target) => boolean) | undefined {
  const node = parseCel(expression);
  const typed = node && compile(node, new Map([["this", { kind: "message", desc }]]));
  if (typed?.type.kind !== "bool") return undefined;
  return (message) => typed.run({ this: message }) === true;
}

function compile(node: CelNode, types: Types): Typed | undefined {
  switch (node.op) {
    case "literal":
      return { type: { kind: node.kind }, run: () => node.value };
    case "name": {
      const type = types.get(node.name);
      return type && { type, run: (scope) => scope[node.name] };
    }
    case "select":
      return select(node, types);
    case "has":
      return has(node, types);
    case "list": {
      const items = node.items.map((item) => compile(item, types));
      if (items[0] === undefined || items.some((item) => !sameKind(item, items[0]))) {
        return undefined;
      }
      const runs = items.map((item) => item!.run);
      return {
        type: { kind: "list", of: items[0].type },
        run: (scope) => runs.map((run) => run(scope)),
      };
    }
    case "not":
      return bools([node.of], types, ([value]) => (scope) => negated(value!(scope)));
    case "&&":
      return bools([node.left, node.right], types, ([left, right]) => (scope) => {
        const value = left!(scope);
        if (value === false) return false;
        const other = right!(scope);
        return other === false ? false : value === true && other === true ? true : UNSURE;
      });
    case "||":
      return bools([node.left, node.right], types, ([left, right]) => (scope) => {
        const value = left!(scope);
        if (value === true) return true;
        const other = right!(scope);
        return other === true ? true : value === false && other === false ? false : UNSURE;
      });
    case "?:":
      return bools([node.test, node.then, node.else], types, ([test, then, other]) => (scope) => {
        const value = test!(scope);
        return value === true ? then!(scope) : value === false ? other!(scope) : UNSURE;
      });
    case "compare":
      return compared(node, types);
    case "call":
      return called(node, types, compile);
  }
}

const negated = (value: Value): Value => typeof value === "boolean" ? !value : UNSURE;

function bools(
  nodes: readonly CelNode[],
  types: Types,
  make: (runs: Run[]) => Run,
): Typed | undefined {
  const parts = nodes.map((each) => compile(each, types));
  if (parts.some((part) => part?.type.kind !== "bool")) return undefined;
  return { type: BOOL, run: make(parts.map((part) => part!.run)) };
}

function sameKind(a: Typed | undefined, b: Typed | undefined): boolean {
  return a !== undefined && a.type.kind === b?.type.kind;
}

interface Field {
  readonly of: Typed;
  readonly field: DescField;
}

function fieldOf(node: CelNode & { op: "select" | "has" }, types: Types): Field | undefined {
  const of = compile(node.of, types);
  if (of?.type.kind !== "message") return undefined;
  const field = of.type.desc.fields.find((each) => each.name === node.field);
  return field && { of, field };
}

function has(node: CelNode & { op: "has" }, types: Types): Typed | undefined {
  const found = fieldOf(node, types);
  if (found === undefined) return undefined;
  const { of: { run }, field } = found;
  const set = isSet(field);
  if (set === undefined) return undefined;
  return {
    type: BOOL,
    run(scope) {
      const message = run(scope);
      return message === UNSURE ? UNSURE : set(message as Target);
    },
  };
}

function select(node: CelNode & { op: "select" }, types: Types): Typed | undefined {
  const found = fieldOf(node, types);
  const type = found && typeOf(found.field);
  if (found === undefined || type === undefined) return undefined;
  const { of: { run }, field } = found;
  const { localName, oneof } = field;
  const fits = valueFits(type);
  return {
    type,
    run(scope) {
      const message = run(scope);
      if (message === UNSURE) return UNSURE;
      const choice = oneof && (message as Target)[oneof.localName] as {
        readonly case?: string;
        readonly value?: unknown;
      };
      if (choice !== undefined && choice.case !== localName) return UNSURE;
      const value = choice === undefined ? (message as Target)[localName] : choice.value;
      return fits(value) ? value : UNSURE;
    },
  };
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  "==": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

function compared(node: CelNode & { op: "compare" }, types: Types): Typed | undefined {
  const [left, right] = [compile(node.left, types), compile(node.right, types)];
  if (left === undefined || right === undefined || !sameKind(left, right)) return undefined;
  const { kind } = left.type;
  const equality = node.operator === "==" || node.operator === "!=";
  if (kind === "message" || kind === "list") return undefined;
  // The order of texts is that of their code points, which is not this language's.
  if ((kind === "string" || kind === "bool") && !equality) return undefined;
  const holds = COMPARISONS[node.operator]!;
  return {
    type: BOOL,
    run(scope) {
      const [a, b] = [left.run(scope), right.run(scope)];
      if (a === UNSURE || b === UNSURE) return UNSURE;
      if (kind === "time" || kind === "duration") return holds(compareSpans(a, b));
      return holds((a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0);
    },
  };
}
