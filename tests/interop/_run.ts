import assert from "node:assert/strict";
import { spawn, type SpawnOptions } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the project, with a separator at its end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Standard output of a program that succeeded; otherwise an error with all that it said. */
export async function output(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly input?: string } = {},
): Promise<string> {
  const { input, ...rest } = options;
  const child = spawn(command, args, { ...rest, stdio: ["pipe", "pipe", "pipe"] });
  const stdout: string[] = [];
  const stderr: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => stdout.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => stderr.push(chunk));
  child.stdin.on("error", () => {}); // A program that ends early says why on its own.
  child.stdin.end(input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (cause) => reject(new Error(`Cannot start "${command}"`, { cause })));
    child.on("close", resolve);
  });
  const said = `${command} ${args.join(" ")}\n${stdout.join("")}${stderr.join("")}`;
  assert.equal(code, 0, said.slice(0, 20_000));
  return stdout.join("");
}

/** Runs something with a folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "cqc-interop-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Folder of the Python package. */
export const PYTHON: string = join(ROOT, "gen", "python");

/** Makes a virtual environment with some packages below a folder and returns its interpreter. */
export async function install(folder: string, packages: readonly string[]): Promise<string> {
  const home = join(folder, "venv");
  await output("python3", ["-m", "venv", home]);
  const python = join(home, "bin", "python");
  const quiet = ["--quiet", "--disable-pip-version-check"];
  await output(python, ["-m", "pip", "install", ...quiet, ...packages]);
  return python;
}
