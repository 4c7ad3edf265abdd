// Rule 6, second half: neutral files pass the type check of a world that has the web platform's
// names alone.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deno, type Outcome } from "./_docs.ts";
import { manifestOf } from "./_manifest.ts";
import { isNeutral } from "./_neutral.ts";
import { type FileMap, libraryFiles, readProject } from "./_project.ts";

/**
 * The neutral files.
 *
 * @param files All files.
 */
export function neutralFiles(files: FileMap): string[] {
  // mod.ts and the server preset are wired to files that are not neutral.
  return libraryFiles(files).map(([path]) => path)
    .filter((path) => isNeutral(path) && path !== "mod.ts" && !path.startsWith("presets/server"));
}

/**
 * Type-checks files with the DOM's lib alone.
 *
 * @param paths Files.
 */
export async function checkNeutral(paths: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "cqi-neutral-"));
  const config = {
    compilerOptions: {
      lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
      types: [],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
    },
    imports: manifestOf(readProject()).imports,
    lock: false,
  };
  try {
    writeFileSync(join(folder, "deno.json"), JSON.stringify(config));
    return await deno(["check", "-q", "--config", join(folder, "deno.json"), ...paths]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
