// The project's files as the rules see them: path to text, so that a test can plant a violation
// into a copy of the map.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Paths relative to the root, with `/`, and the files' texts. */
export type FileMap = ReadonlyMap<string, string>;

/** A rule: a sentence for each violation. */
export type Rule = (files: FileMap) => string[];

/** Path of the checkout, with `/` at the end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** What is not the project's own text. */
const SKIPPED: readonly string[] = [".git", ".cache", "node_modules", "npm", "npm-cqc"];
const TEXT_REGEXP = /\.(?:ts|json|md|lock|proto|sql|ya?ml)$|(?:^|\/)(?:LICENSE|Makefile)$/;
/** Folders that are not part of the library. */
const OUTSIDE_REGEXP = /^(?:tests|tools|examples|benchmarks|ops|docs|proto|\.ci)\//;

function walk(folder: string, files: Map<string, string>): Map<string, string> {
  for (const entry of readdirSync(ROOT + folder, { withFileTypes: true })) {
    const path = folder + entry.name;
    if (entry.isDirectory()) {
      if (!SKIPPED.includes(path)) walk(`${path}/`, files);
    } else if (TEXT_REGEXP.test(path)) {
      files.set(path, readFileSync(ROOT + path, "utf8"));
    }
  }
  return files;
}

let project: FileMap | undefined;

/** All text files of the project; read once. */
export function readProject(): FileMap {
  return project ??= walk("", new Map());
}

/**
 * A copy of the project's files with some added or replaced.
 *
 * @param plants Path to text.
 */
export function plant(plants: Readonly<Record<string, string>>): FileMap {
  return new Map([...readProject(), ...Object.entries(plants)]);
}

const asItIs = new Map<Rule, string[]>();

/**
 * What a rule says of planted files beyond what it says of the project as it is.
 *
 * @param rule The rule.
 * @param plants Path to text.
 */
export function caught(rule: Rule, plants: Readonly<Record<string, string>>): string[] {
  const before = asItIs.get(rule) ?? rule(readProject());
  asItIs.set(rule, before);
  return rule(plant(plants)).filter((sentence) => !before.includes(sentence));
}

/**
 * Whether a path is TypeScript of the library, generated code included.
 *
 * @param path Relative to the root.
 */
export function isLibrary(path: string): boolean {
  return path.endsWith(".ts") && !OUTSIDE_REGEXP.test(path);
}

/**
 * The library's hand-written files.
 *
 * @param files All files.
 */
export function libraryFiles(files: FileMap): [path: string, text: string][] {
  return [...files].filter(([path]) => isLibrary(path) && !path.startsWith("gen/"));
}

/**
 * Whether a path is a driver or belongs to the drivers of a module.
 *
 * @param path Relative to the root.
 */
export function isDriver(path: string): boolean {
  return /^[^/]+\/drivers\//.test(path);
}

const parsed = new Map<string, ts.SourceFile>();

/**
 * Parses a file; the same text is parsed once.
 *
 * @param path For messages.
 * @param text The source.
 */
export function parse(path: string, text: string): ts.SourceFile {
  const key = `${path}\0${text}`;
  let source = parsed.get(key);
  if (source === undefined) {
    source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    parsed.set(key, source);
  }
  return source;
}

/**
 * Calls a function for each node of a file.
 *
 * @param source The parsed file.
 * @param visit Gets each node, parents first.
 */
export function visitAll(source: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const each = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, each);
  };
  each(source);
}

/**
 * Remembers what a check says of a file's text, so that planting one file looks at one file.
 *
 * @param check Looks at one file and nothing else.
 */
export function perFile(
  check: (source: ts.SourceFile) => string[],
): (path: string, text: string) => string[] {
  const known = new Map<string, string[]>();
  return (path, text) => {
    const key = `${path}\0${text}`;
    const found = known.get(key) ?? check(parse(path, text));
    known.set(key, found);
    return found;
  };
}

/**
 * Where a node is, as `path:line`.
 *
 * @param node A node of a parsed file.
 */
export function at(node: ts.Node): string {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return `${source.fileName}:${line + 1}`;
}
