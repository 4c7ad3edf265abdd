import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseAllDocuments } from "yaml";
import type { Node, YAMLMap, YAMLSeq } from "yaml";
import { plainValue } from "../plain_scalar.ts";
import {
  type ConfigMap,
  type ConfigNode,
  type ConfigProblem,
  isForbidden,
  MAX_DEPTH,
} from "../source.ts";

/** What a YAML text holds. */
export interface YamlTree {
  readonly tree: ConfigMap | undefined;
  readonly problems: readonly ConfigProblem[];
  /** Texts that were not quoted: only they get another type when a variable is put in. */
  readonly plain: ReadonlySet<ConfigNode>;
}

// Some 12,000 settings, a hundred times what the largest configurations have. What aliases stand
// for counts each time, which is what makes a bomb of few lines harmless.
const MAX_TOKENS = 100_000;
const MAX_NODES = 20_000;
const SCALAR_MARK = "\x1f";
const REFUSED: Readonly<Record<string, string>> = {
  "!": "uses a tag, which is not supported; quote a value to make it text",
  "%": "uses a directive, which is not supported; YAML 1.2 with the core schema is read",
};

const SEVERAL = "holds several documents, wanted one";

class Refusal {
  readonly message: string;
  readonly line: number;
  constructor(message: string, line: number) {
    this.message = message;
    this.line = line;
  }
}

/**
 * Looks over the tokens before anything is built of them, in one pass that stops at the first thing
 * that a configuration never has, so that hostile text costs nothing.
 */
function inspect(text: string): Refusal | undefined {
  let tokens = 0;
  let line = 1;
  let flow = 0;
  let indicators = 0;
  let documents = 0;
  let afterMark = false;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > MAX_TOKENS) return new Refusal(`has more than ${MAX_TOKENS} tokens`, line);
    if (afterMark || token === SCALAR_MARK) {
      afterMark = token === SCALAR_MARK;
      if (afterMark) continue;
    } else if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow--;
    else if (token === "-" || token === "?") indicators++;
    else if (token === "---" && ++documents > 1) return new Refusal(SEVERAL, line);
    else if (REFUSED[token[0]!] !== undefined) return new Refusal(REFUSED[token[0]!]!, line);
    if (flow > MAX_DEPTH || indicators > MAX_DEPTH) {
      return new Refusal(`nests more than ${MAX_DEPTH} levels`, line);
    }
    for (let i = token.indexOf("\n"); i >= 0; i = token.indexOf("\n", i + 1)) {
      line++;
      indicators = 0;
    }
  }
  return undefined;
}

/**
 * Reads YAML 1.2 with the core schema. Warnings are mistakes; tags, directives, merge keys, several
 * documents, repeated keys and keys that could reach a prototype are refused.
 *
 * @param text The file.
 * @param name Its name, for `name:line`.
 */
export function readYaml(text: string, name: string): YamlTree {
  const problems: ConfigProblem[] = [];
  const plain = new Set<ConfigNode>();
  const refuse = (message: string, line: number, path = ""): void =>
    void problems.push({ path, source: `${name}:${line}`, message });
  const refusal = inspect(text);
  if (refusal !== undefined) {
    refuse(refusal.message, refusal.line);
    return { tree: undefined, problems, plain };
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    schema: "core",
    version: "1.2",
    // Repeated keys are looked for below, in less than quadratic time.
    uniqueKeys: false,
    logLevel: "silent",
    prettyErrors: false,
    lineCounter: lines,
  });
  const all = "empty" in documents ? [] : documents;
  const texts = text.split("\n");
  const told = new Set<number>();
  for (const error of all.flatMap(({ errors, warnings }) => [...errors, ...warnings])) {
    const { line } = lines.linePos(error.pos[0]);
    // One slip makes the parser stumble over all that follows on the line.
    if (told.has(line)) continue;
    told.add(line);
    const hint = texts[line - 1]?.includes("${") ? IN_BRACES : "";
    refuse(`is not valid YAML: ${EXPLAINED[error.code] ?? error.code}${hint}`, line);
  }
  if (all.length > 1) {
    refuse(SEVERAL, lines.linePos(all[1]!.range[0]).line);
  }
  const root = all[0]?.contents;
  if (problems.length > 0 || root === null || root === undefined) {
    return { tree: undefined, problems, plain };
  }
  const walker = new Walker(name, lines, problems, plain);
  const tree = walker.node(root as Node, "", 0, lines.linePos(root.range?.[0] ?? 0).line);
  if (tree?.kind === "scalar" && tree.value === null) return { tree: undefined, problems, plain };
  if (tree !== undefined && tree.kind !== "map") refuse("must hold settings by name at the top", 1);
  return { tree: tree?.kind === "map" ? tree : undefined, problems, plain };
}

// The parser's own messages show parts of the file, which may be secrets.
const EXPLAINED: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: "it nests too many levels",
  KEY_OVER_1024_CHARS: "a name has more than 1024 characters",
  BAD_INDENT: "the indentation does not fit",
  MISSING_CHAR: "a character is missing, such as a closing quote, bracket or comma",
  TAB_AS_INDENT: "a tab is used as indentation",
  UNEXPECTED_TOKEN: "something stands where it cannot stand",
  BLOCK_IN_FLOW: "a block stands inside brackets",
  BLOCK_AS_IMPLICIT_KEY: "a second ': ' stands on the line; quote the value",
  MULTILINE_IMPLICIT_KEY: "a name runs over several lines",
  BAD_ALIAS: "an alias has no anchor before it",
  BAD_SCALAR_START: "a value starts with a reserved character; quote it",
  BAD_DQ_ESCAPE: "an escape in double quotes is unknown",
};

const IN_BRACES = "; inside braces and brackets a '${NAME}' has to be quoted";

class Walker {
  readonly #name: string;
  readonly #lines: LineCounter;
  readonly #problems: ConfigProblem[];
  readonly #plain: Set<ConfigNode>;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(
    name: string,
    lines: LineCounter,
    problems: ConfigProblem[],
    plain: Set<ConfigNode>,
  ) {
    this.#name = name;
    this.#lines = lines;
    this.#problems = problems;
    this.#plain = plain;
  }

  node(node: Node | null, path: string, depth: number, line: number): ConfigNode | undefined {
    const at = `${this.#name}:${line}`;
    if (node === null) return { kind: "scalar", value: null, text: "", at };
    if (++this.#count > MAX_NODES) {
      if (this.#count === MAX_NODES + 1) {
        this.#refuse(
          path,
          line,
          `has more than ${MAX_NODES} values, counting what aliases stand for`,
        );
      }
      return undefined;
    }
    if (depth > MAX_DEPTH) return this.#refuse(path, line, `nests more than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#alias(node.source, path, depth, line);
    if ("anchor" in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) {
      const text = node.type === "PLAIN" ? node.source ?? "" : String(node.value);
      const value = node.type === "PLAIN" ? plainValue(text) : text;
      const scalar: ConfigNode = { kind: "scalar", value, text, at };
      if (node.type === "PLAIN") this.#plain.add(scalar);
      return scalar;
    }
    if (this.#open.has(node)) return this.#refuse(path, line, "contains itself through an alias");
    this.#open.add(node);
    const result = isMap(node)
      ? this.#map(node, path, depth, at)
      : isSeq(node)
      ? this.#list(node, path, depth, at)
      : undefined;
    this.#open.delete(node);
    return result;
  }

  #map(node: YAMLMap, path: string, depth: number, at: string): ConfigMap {
    const entries = new Map<string, ConfigNode>();
    for (const { key, value } of node.items) {
      const line = this.#lineOf(key as Node | null) ?? this.#lineOf(node) ?? 1;
      if (!isScalar(key)) {
        this.#refuse(path, line, "has a name that is not plain text");
        continue;
      }
      const name = key.type === "PLAIN" ? key.source ?? "" : String(key.value);
      const childPath = path === "" ? name : `${path}.${name}`;
      if (isForbidden(name)) {
        this.#refuse(path, line, `uses the name '${name}', which is not allowed`);
      } else if (name === "<<") {
        this.#refuse(
          path,
          line,
          "uses a merge key ('<<'), which is not supported; write settings out",
        );
      } else if (entries.has(name)) this.#refuse(childPath, line, "is set twice in one place");
      else {
        const child = this.node(value as Node | null, childPath, depth + 1, line);
        if (child !== undefined) entries.set(name, child);
      }
    }
    return { kind: "map", entries, at };
  }

  #list(node: YAMLSeq, path: string, depth: number, at: string): ConfigNode {
    const items: ConfigNode[] = [];
    for (const [index, item] of node.items.entries()) {
      const line = this.#lineOf(item as Node | null) ?? this.#lineOf(node) ?? 1;
      const child = this.node(item as Node | null, `${path}[${index}]`, depth + 1, line);
      if (child !== undefined) items.push(child);
    }
    return { kind: "list", items, at };
  }

  #alias(name: string, path: string, depth: number, line: number): ConfigNode | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      return this.#refuse(path, line, "uses an alias that has no anchor before it");
    }
    return this.node(target, path, depth, line);
  }

  #lineOf(node: Node | null): number | undefined {
    const offset = node?.range?.[0];
    return offset === undefined ? undefined : this.#lines.linePos(offset).line;
  }

  #refuse(path: string, line: number, message: string): undefined {
    this.#problems.push({ path, source: `${this.#name}:${line}`, message });
    return undefined;
  }
}
