import ts from "typescript";

/** A source file of the library. */
export interface Source {
  /** Path relative to the root. */
  readonly path: string;
  /** Its text. */
  readonly text: string;
}

/** Top folders that hold no code of the library. */
const OUTSIDE: readonly string[] =
  "tests tools examples benchmarks ops docs proto node_modules npm npm-cqc".split(" ");

/**
 * The library's sources below a folder.
 *
 * @param root Path of the checkout, with `/` at the end.
 * @param folder Relative to the root; `.` is all of it.
 */
export async function readSources(root: string, folder: string): Promise<Source[]> {
  const sources: Source[] = [];
  const walk = async (prefix: string): Promise<void> => {
    for await (const entry of Deno.readDir(root + prefix)) {
      const path = prefix + entry.name;
      if (entry.name.startsWith(".") || OUTSIDE.includes(path)) continue;
      if (entry.isDirectory) await walk(`${path}/`);
      else if (path.endsWith(".ts")) {
        sources.push({ path, text: await Deno.readTextFile(root + path) });
      }
    }
  };
  await walk(folder === "." ? "" : `${folder}/`);
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The names that a file imports or exports from, static or lazy, types included. */
function specifiersOf(path: string, text: string): ts.StringLiteral[] {
  const found: ts.StringLiteral[] = [];
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteral(node)) found.push(node);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

/**
 * The third-party packages that a source imports, types included.
 *
 * @param source The file.
 */
export function packagesOf(source: Source): string[] {
  return specifiersOf(source.path, source.text).map((node) => node.text)
    .filter((name) => !name.startsWith(".") && !name.includes(":"))
    .map((name) => name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/"));
}

/**
 * Turns `.ts` in the relative imports of a declaration file into `.js`, which is what lies beside
 * it. TypeScript rewrites them in code alone.
 *
 * @param path For messages.
 * @param text A `.d.ts` file.
 */
export function rewriteDeclarations(path: string, text: string): string {
  let result = text;
  // From the end, so that the positions before stay right.
  for (const node of specifiersOf(path, text).sort((a, b) => b.end - a.end)) {
    if (!/^\.{1,2}\/.*(?<!\.d)\.ts$/.test(node.text)) continue;
    const name = JSON.stringify(node.text.replace(/\.ts$/, ".js"));
    result = result.slice(0, node.end - node.text.length - 2) + name + result.slice(node.end);
  }
  return result;
}
