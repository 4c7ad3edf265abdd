import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { env, execPath, exit, stderr } from "node:process";
import { fileURLToPath } from "node:url";

const BUF = "@bufbuild/buf@1.75.0";

/** Folder of the project, with a separator at its end. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** Folder of the contracts. */
export const proto: string = join(root, "proto");

/** Untracked folder where pinned generators are kept. */
export const toolCache: string = join(root, ".cache", "gen");

/** Where and how a program runs. */
export interface RunOptions {
  /** Working directory. @default {proto} */
  readonly cwd?: string;
  /** Folder that is searched for programs before those of PATH. */
  readonly path?: string;
  /** Further variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Ends the process with a message. */
export function fail(message: string): never {
  stderr.write(`${message}\n`);
  exit(1);
}

/** Runs a program and returns its standard output; ends the process when it fails. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Uint8Array {
  // buf starts the plugin as `deno`, so the running one must be found first.
  const folders = [options.path, dirname(execPath), env.PATH];
  const done = spawnSync(command, args, {
    cwd: options.cwd ?? proto,
    env: {
      ...env,
      ...options.env,
      PATH: folders.filter((folder) => folder !== undefined).join(delimiter),
    },
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (done.error !== undefined) {
    throw new Error(`Cannot start "${command}": it must be installed`, { cause: done.error });
  }
  if (done.status !== 0) {
    stderr.write(done.stdout);
    fail(`Failed: ${command} ${args.join(" ")}`);
  }
  return done.stdout;
}

/** Runs buf in the folder of the contracts. */
export function buf(args: readonly string[], options: RunOptions = {}): Uint8Array {
  return run("npx", ["-y", BUF, ...args], options);
}
