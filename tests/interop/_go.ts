import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after } from "node:test";
import { output, ROOT } from "./_run.ts";

/**
 * Builds programs of the tests' Go module, and nothing of it is left after the last test of the
 * file.
 *
 * @param names Folders of the programs.
 * @returns Their paths, by name.
 */
export async function goPrograms<const Name extends string>(
  ...names: readonly Name[]
): Promise<Readonly<Record<Name, string>>> {
  const folder = mkdtempSync(join(tmpdir(), "cqc-go-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const cwd = join(ROOT, "tests", "interop", "go");
  const env = { ...process.env, GOFLAGS: "-mod=readonly" };
  // A folder as target takes several programs, each by its name.
  await output("go", ["build", "-o", folder + "/", ...names.map((name) => `./${name}`)], {
    cwd,
    env,
  });
  const paths = names.map((name) => [name, join(folder, name)]);
  return Object.fromEntries(paths) as Record<Name, string>;
}
