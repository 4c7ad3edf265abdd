// The import graph: which file names which module, and how.

import ts from "typescript";
import { at, type FileMap, isLibrary, parse, visitAll } from "./_project.ts";

/** One import. */
export interface Edge {
  /** The importing file. */
  readonly from: string;
  /** Path relative to the root for a relative import, else the name as written. */
  readonly to: string;
  /** Whether `to` is a file of the project. */
  readonly local: boolean;
  /** `type` is gone at run time; `dynamic` is `import()`. */
  readonly kind: "static" | "type" | "dynamic";
  /** `path:line` for messages. */
  readonly where: string;
}

function resolve(from: string, specifier: string): string {
  const url = new URL(specifier, `file:///${from}`);
  return decodeURIComponent(url.pathname.slice(1));
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function readNode(node: ts.Node): { name: ts.Node; kind: Edge["kind"] } | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    if (node.moduleSpecifier === undefined) return undefined;
    return { name: node.moduleSpecifier, kind: isTypeOnly(node) ? "type" : "static" };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { name: node.argument.literal, kind: "type" };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const name = node.arguments[0];
    return name === undefined ? undefined : { name, kind: "dynamic" };
  }
  return undefined;
}

/** What a dynamic import whose argument is not a literal points to. */
export const UNKNOWN = "(not a literal)";

/**
 * The imports of one file.
 *
 * @param path Relative to the root.
 * @param text The source.
 */
export function importsOf(path: string, text: string): Edge[] {
  const edges: Edge[] = [];
  visitAll(parse(path, text), (node) => {
    const found = readNode(node);
    if (found === undefined) return;
    const specifier = ts.isStringLiteralLike(found.name) ? found.name.text : UNKNOWN;
    const local = /^\.{1,2}\//.test(specifier);
    const to = local ? resolve(path, specifier) : specifier;
    edges.push({ from: path, to, local, kind: found.kind, where: at(node) });
  });
  return edges;
}

/**
 * The imports of the library's files, generated code included.
 *
 * @param files All files.
 */
export function libraryImports(files: FileMap): Edge[] {
  return [...files].filter(([path]) => isLibrary(path))
    .flatMap(([path, text]) => importsOf(path, text));
}

/**
 * The module that a file belongs to: its first folder, or the file itself in the root.
 *
 * @param path Relative to the root.
 */
export function moduleOf(path: string): string {
  return path.split("/")[0]!;
}

/**
 * The package that a bare name is of: `@scope/name` or `name`.
 *
 * @param specifier As imported.
 */
export function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/**
 * Whether an import names a third-party package.
 *
 * @param edge The import.
 */
export function isPackage(edge: Edge): boolean {
  return !edge.local && !/^[a-z]+:/.test(edge.to) && edge.to !== UNKNOWN;
}

/** What can be reached from a file at run time. */
export interface Closure {
  /** Files of the project. */
  readonly files: ReadonlySet<string>;
  /** Third-party packages. */
  readonly packages: ReadonlySet<string>;
  /** Names such as `node:fs`. */
  readonly builtins: ReadonlySet<string>;
}

/**
 * Follows static and dynamic imports, not those of types.
 *
 * @param files All files.
 * @param entry Where to start.
 */
export function closureOf(files: FileMap, entry: string): Closure {
  const seen = new Set([entry]);
  const packages = new Set<string>();
  const builtins = new Set<string>();
  for (const path of seen) {
    for (const edge of importsOf(path, files.get(path) ?? "")) {
      if (edge.kind === "type") continue;
      if (edge.local) seen.add(edge.to);
      else if (isPackage(edge)) packages.add(packageOf(edge.to));
      else builtins.add(edge.to);
    }
  }
  return { files: seen, packages, builtins };
}
