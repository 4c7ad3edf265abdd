import { type RuntimeName, RUNTIMES } from "./runtimes.ts";

/** One kind of tests: a folder of tests/, or `unit` for what mirrors the source tree. */
export interface Suite {
  /** Name of the folder. */
  readonly name: string;
  /**
   * Whether its files run once, under Deno, instead of on each runtime. True for what looks at
   * the sources, or starts the runtimes itself.
   */
  readonly once: boolean;
  /** Files of a suite with `once` that run on each runtime all the same, by name without `_test.ts`. */
  readonly everywhere?: readonly string[];
  /** Whether a file runs while nothing else does, since it uses every core itself. */
  readonly alone: boolean;
  /** Milliseconds after which a file is killed and counts as failed. */
  readonly limitMs: number;
}

/** The suites, in the order in which they run. What is in no other folder is `unit`. */
export const SUITES: readonly Suite[] = [
  { name: "unit", once: false, alone: false, limitMs: 120_000 },
  { name: "contract", once: false, alone: false, limitMs: 180_000 },
  { name: "examples", once: false, alone: false, limitMs: 300_000 },
  { name: "interop", once: true, alone: false, limitMs: 900_000 },
  {
    name: "faults",
    once: true,
    // What a fault does to sockets, timers and signals is the runtime's own: the main rows of each
    // server run on all three (threat E2), the others on one for the sake of time.
    everywhere: ["kafka_runtimes", "postgres_restart", "postgres_pool", "redis_outage"],
    alone: true,
    limitMs: 600_000,
  },
  { name: "runtimes", once: true, alone: false, limitMs: 300_000 },
  { name: "architecture", once: true, alone: true, limitMs: 600_000 },
  { name: "package", once: true, alone: true, limitMs: 900_000 },
];

/** One test file on one runtime. */
export interface Job {
  /** Path relative to the root, with `/`. */
  readonly file: string;
  /** Which runtime. */
  readonly runtime: RuntimeName;
  /** Its suite. */
  readonly suite: Suite;
}

/**
 * The suite of a test file.
 *
 * @param file Path relative to the root, with `/`.
 */
export function suiteOf(file: string): Suite {
  const folder = file.split("/")[1];
  return SUITES.find((suite) => suite.name === folder) ?? SUITES[0]!;
}

function runsOnce(suite: Suite, file: string): boolean {
  const name = file.slice(file.lastIndexOf("/") + 1, -"_test.ts".length);
  return suite.once && suite.everywhere?.includes(name) !== true;
}

/** What to run. */
export interface Selection {
  /** Runtimes; all when empty. */
  readonly runtimes: readonly RuntimeName[];
  /** Suites by name; all when empty. */
  readonly suites: readonly string[];
  /** Parts of paths, one of which a file must have; all when empty. */
  readonly filters: readonly string[];
}

/**
 * Makes the list of jobs.
 *
 * @param files Test files, relative to the root.
 * @param selection What to run.
 */
export function plan(files: readonly string[], selection: Selection): Job[] {
  const { runtimes, suites, filters } = selection;
  const chosen = runtimes.length === 0 ? RUNTIMES : runtimes;
  const jobs: Job[] = [];
  for (const file of [...files].sort()) {
    const suite = suiteOf(file);
    if (suites.length > 0 && !suites.includes(suite.name)) continue;
    if (filters.length > 0 && !filters.some((part) => file.includes(part))) continue;
    const once = runsOnce(suite, file);
    for (const runtime of RUNTIMES) {
      if (chosen.includes(runtime) && (!once || runtime === "deno")) {
        jobs.push({ file, runtime, suite });
      }
    }
  }
  return jobs.sort((a, b) => SUITES.indexOf(a.suite) - SUITES.indexOf(b.suite));
}

/**
 * Test files below a folder, relative to the root.
 *
 * @param root Path of the checkout.
 * @param folder Folder to walk, such as `tests`.
 */
export async function testFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "fixtures") files.push(...await testFiles(root, path));
    else if (entry.isFile && entry.name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}
