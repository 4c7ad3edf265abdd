import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { install, output, ROOT } from "./_run.ts";

const GEN = join(ROOT, "gen");
const CACHE = join(ROOT, ".cache", "interop");
/** What an earlier build has left. */
const BUILT_REGEXP = /^(?:build|buf|dist|__pycache__|.*\.egg-info)$/;

/** How long an environment is kept that nobody uses, in milliseconds: a day. */
const KEEP_MS = 86_400_000;

function* filesBelow(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) return yield path;
  for (const name of readdirSync(path).sort()) {
    if (!BUILT_REGEXP.test(name)) yield* filesBelow(join(path, name));
  }
}

const SOURCES = [join(GEN, "python"), join(GEN, "descriptor", "cqc.binpb")];

/** Makes an environment, at first beside its place, so that nobody finds half of one. */
async function make(home: string, packages: readonly string[]): Promise<void> {
  const making = `${home}.${process.pid}`;
  // A build writes beside the sources, where two at once would be in each other's way.
  const copy = join(making, "gen");
  mkdirSync(making, { recursive: true });
  for (const source of SOURCES) {
    const target = join(copy, source.slice(GEN.length));
    cpSync(source, target, {
      recursive: true,
      filter: (path) => !BUILT_REGEXP.test(path.slice(path.lastIndexOf("/") + 1)),
    });
  }
  try {
    await install(making, [join(copy, "python"), ...packages]);
    rmSync(copy, { recursive: true });
    renameSync(making, home);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // Another test file may have been faster.
    if (!existsSync(home)) throw error;
  }
}

/**
 * An interpreter that has the Python package of the contracts as it is now. The environment is made
 * once and kept; whoever wants a fresh one uses `install`.
 *
 * @param packages What else it has, with exact versions.
 */
export async function sharedPython(...packages: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(await output("python3", ["-VV"]));
  hash.update(packages.map((each) => `${each}\0`).join(""));
  for (const path of SOURCES.flatMap((source) => [...filesBelow(source)])) {
    hash.update(path.slice(GEN.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  const name = `python-${hash.digest("hex").slice(0, 16)}`;
  const home = join(CACHE, name);
  if (!existsSync(home)) await make(home, packages);
  // So that others can tell which are in use.
  const now = new Date();
  utimesSync(home, now, now);
  for (const other of readdirSync(CACHE).filter((each) => each.startsWith("python-"))) {
    const { mtimeMs } = statSync(join(CACHE, other), { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && now.getTime() - mtimeMs > KEEP_MS) {
      rmSync(join(CACHE, other), { recursive: true, force: true });
    }
  }
  return join(home, "venv", "bin", "python");
}
