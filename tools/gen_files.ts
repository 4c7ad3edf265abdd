import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Content by path relative to a folder, with "/" between its parts. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Reads every file below a folder, in the order of their paths. */
export function readFiles(folder: string): Files {
  if (!existsSync(folder)) return new Map();
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    // What Python leaves behind where code is imported from.
    .filter((path) => !path.includes("__pycache__"))
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path))]));
}

/** Makes a folder hold exactly these files, touching only those that differ. */
export function writeIfChanged(folder: string, files: Files): void {
  const present = readFiles(folder);
  for (const path of present.keys()) {
    if (!files.has(path)) rmSync(join(folder, path));
  }
  for (const [path, content] of files) {
    const old = present.get(path);
    if (old !== undefined && equal(old, content)) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Paths that are in one folder only or differ between the two. */
export function differences(one: string, other: string): string[] {
  const [a, b] = [readFiles(one), readFiles(other)];
  return [...new Set([...a.keys(), ...b.keys()])].sort().filter((path) => {
    const [left, right] = [a.get(path), b.get(path)];
    return left === undefined || right === undefined || !equal(left, right);
  });
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
