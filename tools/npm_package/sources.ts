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

/**
 * The third-party packages that a source imports, types included.
 *
 * @param source The file.
 */
export function packagesOf(source: Source): string[] {
  const { importedFiles } = ts.preProcessFile(source.text, true, true);
  return importedFiles.map((file) => file.fileName)
    .filter((name) => !name.startsWith(".") && !name.includes(":"))
    .map((name) => name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/"));
}

/**
 * Turns `.ts` in the relative imports of a declaration file into `.js`, which is what lies beside
 * it. TypeScript rewrites them in code alone.
 *
 * @param text A `.d.ts` file.
 */
export function rewriteDeclarations(text: string): string {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  let result = text;
  // From the end, so that the positions before stay right.
  for (const { fileName, pos } of importedFiles.sort((a, b) => b.pos - a.pos)) {
    if (!/^\.{1,2}\/.*(?<!\.d)\.ts$/.test(fileName)) continue;
    const start = result.indexOf(fileName, pos);
    result = result.slice(0, start) + fileName.replace(/\.ts$/, ".js") +
      result.slice(start + fileName.length);
  }
  return result;
}
