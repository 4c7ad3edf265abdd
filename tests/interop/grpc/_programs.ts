// Starts the servers and clients of the gRPC tests, whatever they are written in.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { findRuntime, type RuntimeName } from "../../../tools/test_runner/runtimes.ts";
import { until } from "../../_until.ts";
import { output, ROOT } from "../_run.ts";
import type { Answer, Call } from "./_calls.ts";

/** How to start a program. */
export interface Program {
  /** Name or path. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

const ARGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["run", "-A", "--no-check"],
  node: ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"],
  bun: ["run"],
};

/** A script of this folder on a runtime. */
export async function script(runtime: RuntimeName, name: "server" | "client"): Promise<Program> {
  const { path } = await findRuntime(runtime);
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  return { command: path, args: [...ARGS[runtime], file] };
}

/** A line that a server prints. */
export interface Event {
  /** What happened. */
  readonly event: "listening" | "waiting" | "ended" | "closing";
  /** Which call it is about. */
  readonly call?: string;
  /** Whether the call that waits has a deadline. */
  readonly deadline?: boolean;
  /** Where the markets are served. */
  readonly scenarios?: string;
  /** Where every call is answered from the vectors; empty for nowhere. */
  readonly vectors?: string;
}

/** A server that runs. */
export interface Server extends AsyncDisposable {
  /** Where the markets are served. */
  readonly scenarios: string;
  /** Where every call is answered from the vectors; empty for nowhere. */
  readonly vectors: string;
  /** The calls of which it has said something. */
  calls(event: Event["event"]): string[];
  /** Whether each call that it waited in had a deadline. */
  deadlines(): boolean;
  /** Asks it to stop; resolves when it has, by itself and without an error. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it listens. */
export async function startServer({ command, args }: Program): Promise<Server> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let ended: number | null | undefined;
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => stdout += chunk);
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => stderr += chunk);
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  failed.catch(() => {});
  child.on("close", (code) => ended = code);
  const events = (): Event[] =>
    stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Event);
  const kill = (signal: NodeJS.Signals): void => {
    // Not the child's own kill: on Deno that reports the signal as the way it ended.
    if (ended === undefined) process.kill(child.pid!, signal);
  };
  const gone = (): boolean => ended !== undefined;
  const listening = (): boolean => gone() || events().some(({ event }) => event === "listening");
  await Promise.race([failed, until(listening, `${command} to listen`)]);
  const first = events()[0];
  if (first?.scenarios === undefined) throw new Error(`Ended with ${ended}: ${stdout}${stderr}`);
  return {
    scenarios: first.scenarios,
    vectors: first.vectors ?? "",
    calls: (wanted) =>
      events().filter(({ event }) => event === wanted).map(({ call }) => call ?? ""),
    deadlines: () => events().every(({ event, deadline }) => event !== "waiting" || deadline!),
    async stop() {
      kill("SIGTERM");
      await until(gone, `${command} to end`);
      assert.equal(ended, 0, stderr);
    },
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await until(gone, `${command} to be gone`);
    },
  };
}

const LIMIT_MS = 60_000;

/** Has a client make calls and tells what came of each. */
export async function makeCalls(
  { command, args }: Program,
  calls: readonly Call[],
): Promise<Answer[]> {
  const input = calls.map((call) => JSON.stringify(call)).join("\n") + "\n";
  const signal = AbortSignal.timeout(LIMIT_MS);
  const text = await output(command, args, { input, signal, cwd: ROOT });
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer);
}
