import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import process from "node:process";

/** What a child printed and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child on the runtime that runs the test. */
export interface Child {
  readonly process: ChildProcess;
  /** Sends a signal. Not the child's own `kill`: on Deno that reports the signal as the way it ended. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the match when standard output or error has one. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
}

function runtimeArgs(): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--no-check"];
  if ("Bun" in globalThis) return ["run"];
  return ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
}

/** Starts a script on the runtime that runs the test. */
export function startChild(
  script: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Child {
  const child = spawn(process.execPath, [...runtimeArgs(), script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  const took = (): void => {
    for (const watch of watchers) watch();
  };
  child.stdout!.on("data", (chunk) => {
    stdout += chunk;
    took();
  });
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
    took();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return {
    process: child,
    kill: (signal) => void process.kill(child.pid!, signal),
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (match === null) return;
          watchers.delete(watch);
          resolve(match);
        };
        watchers.add(watch);
        ended.then((end) =>
          reject(new Error(`Ended with ${end.code} before ${pattern}: ${end.stdout}${end.stderr}`))
        ).catch(reject);
        watch();
      }),
  };
}
