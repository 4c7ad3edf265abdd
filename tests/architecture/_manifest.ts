// deno.json as the rules see it.

import type { FileMap } from "./_project.ts";

/** The parts of deno.json that rules read. */
export interface Manifest {
  /** Subpath to file. */
  readonly exports: Readonly<Record<string, string>>;
  /** Bare name to `npm:name@version`. */
  readonly imports: Readonly<Record<string, string>>;
  /** Lock settings. */
  readonly lock?: { readonly path?: string; readonly frozen?: boolean };
  /** Version of the package. */
  readonly version: string;
}

/**
 * Reads deno.json.
 *
 * @param files All files.
 */
export function manifestOf(files: FileMap): Manifest {
  return JSON.parse(files.get("deno.json") ?? "{}");
}

/**
 * The entry points: subpath to path relative to the root.
 *
 * @param files All files.
 */
export function entriesOf(files: FileMap): Map<string, string> {
  return new Map(
    Object.entries(manifestOf(files).exports).map(([key, path]) => [key, path.replace("./", "")]),
  );
}
