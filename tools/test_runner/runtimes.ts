import { delimiter, join } from "node:path";

/** A runtime that the tests run on. */
export type RuntimeName = "deno" | "node" | "bun";

/** All of them, in the order of the table. */
export const RUNTIMES: readonly RuntimeName[] = ["deno", "node", "bun"];

/** A runtime that was found. */
export interface Runtime {
  /** Which one. */
  readonly name: RuntimeName;
  /** Path of the program itself, so that no test file pays for npx. */
  readonly path: string;
  /** Its version, such as `24.21.0`. */
  readonly version: string;
}

interface Wanted {
  readonly program: string;
  readonly npmSpec: string;
  readonly fits: (version: string) => boolean;
  readonly what: string;
}

function parts(version: string): readonly number[] {
  return version.replace(/^v/, "").split(".").map((part) => Number.parseInt(part, 10));
}

const WANTED: Readonly<Record<"node" | "node22" | "bun", Wanted>> = {
  node: {
    program: "node",
    npmSpec: "node@24",
    fits: (version) => parts(version)[0] === 24 && parts(version)[1]! >= 6,
    what: "Node 24.6 or later of 24",
  },
  node22: {
    program: "node",
    npmSpec: "node@22",
    fits: (version) => parts(version)[0] === 22 && parts(version)[1]! >= 22,
    what: "Node 22.22 or later of 22",
  },
  bun: {
    program: "bun",
    npmSpec: "bun@1.4.5",
    fits: (version) =>
      parts(version)[0] === 1 && parts(version)[1] === 4 && parts(version)[2]! >= 5,
    what: "Bun 1.4.5 or later of 1.4",
  },
};

const SCRIPT = "console.log(process.execPath)";

async function output(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stderr: "null",
      env: { NO_COLOR: "1" },
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function onPath(wanted: Wanted): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    const version = await output(join(folder, wanted.program), ["--version"]);
    if (version !== undefined && wanted.fits(version)) return join(folder, wanted.program);
  }
  return undefined;
}

async function fromNpm(wanted: Wanted): Promise<string> {
  const args = ["-y", "-p", wanted.npmSpec, wanted.program, "-e", SCRIPT];
  const text = await output("npx", args);
  const path = text?.split("\n").at(-1);
  if (path === undefined) {
    throw new Error(
      `Cannot run the tests on ${wanted.what}: it is not on PATH and ` +
        `'npx -y -p ${wanted.npmSpec} ${wanted.program}' failed, install it or npm`,
    );
  }
  return path;
}

/**
 * Finds a runtime: the program on PATH when its version fits, else the one of npm. Deno is the one
 * that runs this.
 *
 * @param name Which; `node22` is the oldest Node that the package supports.
 */
export async function findRuntime(name: RuntimeName | "node22"): Promise<Runtime> {
  if (name === "deno") return { name, path: Deno.execPath(), version: Deno.version.deno };
  const wanted = WANTED[name];
  const path = await onPath(wanted) ?? await fromNpm(wanted);
  const version = (await output(path, ["--version"]))?.replace(/^v/, "");
  if (version === undefined) {
    throw new Error(`Cannot run the tests on ${wanted.what}: ${path} fails`);
  }
  return { name: name === "node22" ? "node" : name, path, version };
}

/**
 * The arguments that run one test file and write a JUnit report. An unhandled rejection fails the
 * file on each: Node does so by itself, Deno and Bun by the preloaded file.
 *
 * @param name The runtime.
 * @param file Path of the test file, relative to the root with `/`.
 * @param report Path that the report is written to.
 */
export function testArguments(name: RuntimeName, file: string, report: string): string[] {
  switch (name) {
    case "deno":
      return ["test", "-A", "--no-check", "--preload=tests/runtimes/preload_deno.ts"]
        .concat(`--junit-path=${report}`, file);
    case "node":
      // Without --test: its isolation modes cost a process more, or hide an error while loading.
      return ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
        .concat("--test-reporter=spec", "--test-reporter-destination=stdout")
        .concat("--test-reporter=junit", `--test-reporter-destination=${report}`, file);
    case "bun":
      return ["test", "--preload=./tests/runtimes/preload_bun.ts", "--timeout=60000"]
        .concat("--reporter=junit", `--reporter-outfile=${report}`, `./${file}`);
  }
}
