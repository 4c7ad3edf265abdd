import type { CelNode } from "./_fast_cel_parser.ts";
import { BOOL, type Typed, type Types, UNSURE, type Value } from "./_fast_cel_types.ts";
import { nativePattern } from "./_fast_regexp.ts";
import { MAX_MATCHED } from "./_fast_values.ts";

type Call = CelNode & { readonly op: "call" };
type Compile = (node: CelNode, types: Types) => Typed | undefined;

const DECIMAL_REGEXP = /^-?[0-9]{1,50}(?:\.[0-9]{1,50})?$/;

/** Compiles a call; undefined for one that is not known here. */
export function called(node: Call, types: Types, compile: Compile): Typed | undefined {
  const of = node.of === undefined ? undefined : compile(node.of, types);
  if (node.of === undefined) return plainCall(node, types, compile);
  if (of === undefined) return undefined;
  switch (node.name) {
    case "in":
      return membership(of, node, types, compile);
    case "all":
    case "map":
      return overItems(of, node, types, compile);
    case "size":
      return node.args.length === 0 ? sizeOf(of) : undefined;
    case "unique":
      return node.args.length === 0 ? uniqueness(of) : undefined;
    default:
      return ofText(of, node);
  }
}

function mapped(value: Value, change: (value: Value) => Value): Value {
  return value === UNSURE ? UNSURE : change(value);
}

function plainCall({ name, args }: Call, types: Types, compile: Compile): Typed | undefined {
  const [first] = args;
  const value = first !== undefined && args.length === 1 ? compile(first, types) : undefined;
  if (value === undefined) return undefined;
  if (name === "size") return sizeOf(value);
  if (name !== "double" || value.type.kind !== "string") return undefined;
  return {
    type: { kind: "double" },
    run: (scope) =>
      mapped(
        value.run(scope),
        (text) => DECIMAL_REGEXP.test(text as string) ? Number(text) : UNSURE,
      ),
  };
}

// Of lists alone: texts are counted in code points, which is not this language's way.
function sizeOf({ type, run }: Typed): Typed | undefined {
  if (type.kind !== "list") return undefined;
  return {
    type: { kind: "int" },
    run: (scope) => mapped(run(scope), (list) => (list as readonly unknown[]).length),
  };
}

function uniqueness({ type, run }: Typed): Typed | undefined {
  if (type.kind !== "list" || type.of.kind !== "string") return undefined;
  return {
    type: BOOL,
    run: (scope) =>
      mapped(run(scope), (value) => {
        const list = value as readonly unknown[];
        return list.includes(UNSURE) ? UNSURE : new Set(list).size === list.length;
      }),
  };
}

function membership(of: Typed, { args }: Call, types: Types, compile: Compile): Typed | undefined {
  const list = args[0] && compile(args[0], types);
  const { kind } = of.type;
  if (list?.type.kind !== "list" || list.type.of.kind !== kind) return undefined;
  if (kind !== "string" && kind !== "int") return undefined;
  // Whole numbers come as numbers and as bigints.
  const plain = (value: unknown): unknown => kind === "int" ? BigInt(value as number) : value;
  return {
    type: BOOL,
    run: (scope) =>
      mapped(of.run(scope), (value) =>
        mapped(list.run(scope), (items) => {
          const all = items as readonly unknown[];
          if (all.includes(UNSURE)) return UNSURE;
          const wanted = plain(value);
          return all.some((item) => plain(item) === wanted);
        })),
  };
}

function ofText(of: Typed, { name, args }: Call): Typed | undefined {
  const [first] = args;
  if (of.type.kind !== "string" || args.length !== 1) return undefined;
  if (first?.op !== "literal" || first.kind !== "string") return undefined;
  const text = first.value as string;
  const pattern = name === "matches" ? nativePattern(text) : undefined;
  const tests: Readonly<Record<string, (value: string) => Value>> = {
    startsWith: (value) => value.startsWith(text),
    endsWith: (value) => value.endsWith(text),
    contains: (value) => value.includes(text),
    ...pattern && {
      matches: (value: string) => value.length > MAX_MATCHED ? UNSURE : pattern.test(value),
    },
  };
  if (!Object.hasOwn(tests, name)) return undefined;
  const test = tests[name]!;
  return { type: BOOL, run: (scope) => mapped(of.run(scope), (value) => test(value as string)) };
}

// Macros: the first argument is a name for each item, the second is about it.
function overItems(of: Typed, node: Call, types: Types, compile: Compile): Typed | undefined {
  const [first, second] = node.args;
  if (of.type.kind !== "list" || first?.op !== "name" || second === undefined) return undefined;
  if (node.args.length !== 2) return undefined;
  const body = compile(second, new Map([...types, [first.name, of.type.of]]));
  if (body === undefined) return undefined;
  const each = (item: unknown, scope: Readonly<Record<string, Value>>): Value =>
    item === UNSURE ? UNSURE : body.run({ ...scope, [first.name]: item });
  if (node.name === "map") {
    return {
      type: { kind: "list", of: body.type },
      run: (scope) =>
        mapped(of.run(scope), (items) => (items as unknown[]).map((item) => each(item, scope))),
    };
  }
  if (body.type.kind !== "bool") return undefined;
  return {
    type: BOOL,
    run: (scope) =>
      mapped(of.run(scope), (items) => {
        let sure = true;
        for (const item of items as unknown[]) {
          const kept = each(item, scope);
          if (kept === false) return false;
          if (kept !== true) sure = false;
        }
        return sure ? true : UNSURE;
      }),
  };
}
