// What the package tests share: commands, empty folders, the packed tarballs.

import { fileURLToPath } from "node:url";
import { findRuntime } from "../../tools/test_runner/runtimes.ts";

/** Path of the checkout, with `/` at the end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** What a command did. */
export interface Outcome {
  /** Exit code. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Both streams, for messages. */
  readonly text: string;
}

const LIMIT_MS = 300_000;

/**
 * Runs a command to its end, five minutes at most.
 *
 * @param program Name or path.
 * @param args Its arguments.
 * @param cwd Where.
 */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string = ROOT,
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), text: decode(stdout) + decode(stderr) };
}

/**
 * Runs a command that must succeed.
 *
 * @param program Name or path.
 * @param args Its arguments.
 * @param cwd Where.
 */
export async function must(
  program: string,
  args: readonly string[],
  cwd: string = ROOT,
): Promise<string> {
  const { code, stdout, text } = await run(program, args, cwd);
  if (code !== 0) throw new Error(`'${program} ${args.join(" ")}' exited with ${code}:\n${text}`);
  return stdout;
}

const folders: string[] = [];
addEventListener("unload", () => {
  for (const folder of folders) Deno.removeSync(folder, { recursive: true });
});

/** An empty folder that is gone when the test file is through; no link in its path. */
export async function emptyFolder(): Promise<string> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "cqi-package-" }));
  folders.push(folder);
  return folder;
}

/** Calls a function once, on first use. */
export function once<T>(fn: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => result ??= fn();
}

/** The parts of package.json that the tests read. */
export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly sideEffects: boolean;
  readonly license: string;
  readonly repository: { readonly type: string; readonly url: string };
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
}

/** A package as npm would publish it. */
export interface Packed {
  /** Its package.json. */
  readonly json: PackageJson;
  /** Path of the tarball. */
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
}

async function pack(folder: string, target: string): Promise<Packed> {
  const args = ["pack", "--json", "--pack-destination", target];
  const [{ filename, files }] = JSON.parse(await must("npm", args, ROOT + folder));
  return {
    json: JSON.parse(await Deno.readTextFile(`${ROOT}${folder}/package.json`)),
    tarball: `${target}/${filename}`,
    files: files.map((file: { path: string }) => file.path),
  };
}

/** Builds both packages and packs them. */
export const packed: () => Promise<{ readonly cqi: Packed; readonly cqc: Packed }> = once(
  async () => {
    await must(Deno.execPath(), ["run", "-A", "--no-check", "tools/build_npm.ts"]);
    const target = await emptyFolder();
    return { cqi: await pack("npm", target), cqc: await pack("npm-cqc", target) };
  },
);

/**
 * The version of a package in deno.json.
 *
 * @param name Its name.
 */
export async function pinned(name: string): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  return imports[name].slice("npm:".length);
}

/**
 * Installs packages with npm in an empty folder.
 *
 * @param specs Tarballs, or names with versions.
 * @returns The folder.
 */
export async function consumer(specs: readonly string[]): Promise<string> {
  const folder = await emptyFolder();
  await Deno.writeTextFile(`${folder}/package.json`, `{ "private": true, "type": "module" }\n`);
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  await must("npm", ["install", ...flags, ...specs], folder);
  return folder;
}

/** The runtimes that the npm package is for. */
export const TARGETS: readonly (readonly [label: string, name: "node" | "node22" | "bun"])[] = [
  ["Node 22", "node22"],
  ["Node 24", "node"],
  ["Bun", "bun"],
];

const programs = new Map<string, Promise<string>>();

/**
 * Path of a runtime's program.
 *
 * @param name Which.
 */
export function programOf(name: "node" | "node22" | "bun"): Promise<string> {
  const found = programs.get(name) ?? findRuntime(name).then((runtime) => runtime.path);
  programs.set(name, found);
  return found;
}

/**
 * Compiles a folder with tsc.
 *
 * @param folder Where tsconfig.json is written.
 * @param options Compiler options beyond the strict ones.
 * @param include Files to compile.
 */
export async function tsc(
  folder: string,
  options: Readonly<Record<string, unknown>>,
  include: readonly string[],
): Promise<Outcome> {
  const config = {
    compilerOptions: {
      target: "es2023",
      strict: true,
      skipLibCheck: false,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      ...options,
    },
    files: include,
  };
  await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(config));
  const program = `${ROOT}node_modules/typescript/lib/tsc.js`;
  return await run(await programOf("node"), [program, "--pretty", "false", "-p", "."], folder);
}
