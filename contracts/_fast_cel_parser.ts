import { CqiError, isCqiError } from "../errors/mod.ts";

/** An expression, as far as it is known here. */
export type CelNode =
  | {
    readonly op: "literal";
    readonly kind: "bool" | "string" | "int" | "double";
    readonly value: boolean | string | bigint | number;
  }
  | { readonly op: "name"; readonly name: string }
  | { readonly op: "select"; readonly of: CelNode; readonly field: string }
  | { readonly op: "has"; readonly of: CelNode; readonly field: string }
  | { readonly op: "list"; readonly items: readonly CelNode[] }
  | { readonly op: "not"; readonly of: CelNode }
  | { readonly op: "&&" | "||"; readonly left: CelNode; readonly right: CelNode }
  | { readonly op: "?:"; readonly test: CelNode; readonly then: CelNode; readonly else: CelNode }
  | {
    readonly op: "compare";
    readonly operator: string;
    readonly left: CelNode;
    readonly right: CelNode;
  }
  | {
    readonly op: "call";
    readonly name: string;
    readonly of: CelNode | undefined;
    readonly args: readonly CelNode[];
  };

// Blank space; names and words; whole numbers; fractions; texts in single or double quotes; marks.
// A minus is taken as part of a number alone: arithmetic is not known here.
const TOKEN =
  /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(-?[0-9]+)(u?)(?![A-Za-z0-9_.])|(-?[0-9]+\.[0-9]+)(?![A-Za-z0-9_.])|('(?:[^'\\\n]|\\[\\'"])*'|"(?:[^"\\\n]|\\[\\'"])*")|(&&|\|\||[=!<>]=|[<>!?:()[\],.]))/;
const COMPARES: readonly string[] = ["==", "!=", "<", "<=", ">", ">="];

interface Token {
  readonly kind: "name" | "int" | "double" | "string" | "mark";
  readonly text: string;
}

function unknown(): CqiError {
  return new CqiError("CQI_FEATURE_UNSUPPORTED", "Cannot parse the expression here");
}

/**
 * Parses a CEL expression.
 *
 * @returns Undefined for what is not known here: arithmetic, maps, macros other than `has` and so on.
 */
export function parseCel(text: string): CelNode | undefined {
  try {
    const parser = new Parser(tokensOf(text));
    const node = parser.ternary();
    return parser.isAtEnd() ? node : undefined;
  } catch (error) {
    if (isCqiError(error, "CQI_FEATURE_UNSUPPORTED")) return undefined;
    throw error;
  }
}

function tokensOf(text: string): Token[] {
  const source = text.trimEnd();
  const tokens: Token[] = [];
  const next = new RegExp(TOKEN, "y");
  while (next.lastIndex < source.length) {
    const match = next.exec(source);
    if (match === null) throw unknown();
    const [, name, int, , double, string, mark] = match;
    if (name !== undefined) tokens.push({ kind: "name", text: name });
    else if (int !== undefined) tokens.push({ kind: "int", text: int });
    else if (double !== undefined) tokens.push({ kind: "double", text: double });
    else if (string !== undefined) {
      tokens.push({ kind: "string", text: string.slice(1, -1).replace(/\\(.)/g, "$1") });
    } else tokens.push({ kind: "mark", text: mark! });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  ternary(): CelNode {
    const test = this.#or();
    if (!this.#take("?")) return test;
    const then = this.#or();
    this.#expect(":");
    return { op: "?:", test, then, else: this.ternary() };
  }

  #or(): CelNode {
    let left = this.#and();
    while (this.#take("||")) left = { op: "||", left, right: this.#and() };
    return left;
  }

  #and(): CelNode {
    let left = this.#relation();
    while (this.#take("&&")) left = { op: "&&", left, right: this.#relation() };
    return left;
  }

  #relation(): CelNode {
    const left = this.#unary();
    const next = this.#tokens[this.#at];
    if (next?.kind === "name" && next.text === "in") {
      this.#at++;
      return { op: "call", name: "in", of: left, args: [this.#unary()] };
    }
    if (next?.kind !== "mark" || !COMPARES.includes(next.text)) return left;
    this.#at++;
    return { op: "compare", operator: next.text, left, right: this.#unary() };
  }

  #unary(): CelNode {
    return this.#take("!") ? { op: "not", of: this.#unary() } : this.#member();
  }

  #member(): CelNode {
    let node = this.#primary();
    while (this.#take(".")) {
      const name = this.#next("name").text;
      node = this.#take("(")
        ? { op: "call", name, of: node, args: this.#list(")") }
        : { op: "select", of: node, field: name };
    }
    return node;
  }

  #primary(): CelNode {
    if (this.#take("(")) {
      const node = this.ternary();
      this.#expect(")");
      return node;
    }
    if (this.#take("[")) return { op: "list", items: this.#list("]") };
    const token = this.#tokens[this.#at++];
    if (token === undefined || token.kind === "mark") throw unknown();
    if (token.kind === "int") return { op: "literal", kind: "int", value: BigInt(token.text) };
    if (token.kind === "double") {
      return { op: "literal", kind: "double", value: Number(token.text) };
    }
    if (token.kind === "string") return { op: "literal", kind: "string", value: token.text };
    if (token.text === "true" || token.text === "false") {
      return { op: "literal", kind: "bool", value: token.text === "true" };
    }
    if (!this.#take("(")) return { op: "name", name: token.text };
    const args = this.#list(")");
    if (token.text !== "has") return { op: "call", name: token.text, of: undefined, args };
    const [field] = args;
    if (field?.op !== "select" || args.length !== 1) throw unknown();
    return { ...field, op: "has" };
  }

  #list(end: string): CelNode[] {
    const items: CelNode[] = [];
    if (this.#take(end)) return items;
    do items.push(this.ternary()); while (this.#take(","));
    this.#expect(end);
    return items;
  }

  #take(mark: string): boolean {
    const next = this.#tokens[this.#at];
    if (next?.kind !== "mark" || next.text !== mark) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#take(mark)) throw unknown();
  }

  #next(kind: Token["kind"]): Token {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== kind) throw unknown();
    return token;
  }
}
