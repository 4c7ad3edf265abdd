import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";

const INSTALL: Readonly<Record<string, string>> = {
  go: "Go 1.26 or later",
  python3: "Python 3.11 or later with venv",
};

function isHere(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Whether the programs are here that the tests of a file need. On a machine without them it
 * registers one test that is skipped with the reason; under CI, where nothing may be left out, it
 * fails.
 *
 * @param names Programs, such as `go`.
 */
export function tools(...names: readonly string[]): boolean {
  const missing = names.filter((name) => !isHere(name));
  if (missing.length === 0) return true;
  const install = missing.map((name) => INSTALL[name] ?? name).join(" and ");
  const inCi = !["", "false"].includes(process.env["CI"] ?? "");
  // A test rather than a throw: Deno overlooks what a file throws after its first test.
  test(`${missing.join(" and ")} is here`, { skip: inCi ? false : `install ${install}` }, () => {
    throw new Error(`Cannot run these tests without ${missing.join(", ")}: install ${install}`);
  });
  return false;
}
