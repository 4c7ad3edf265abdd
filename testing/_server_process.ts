// A server that a test starts, faults and stops: what the starters of Kafka, Postgres and Redis share.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { sleep, systemClock } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** How to start a server. */
export interface ServerProcessOptions {
  /** What it is, for errors, such as `Redis`. */
  readonly name: string;
  /** Program, from PATH or absolute. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** User and group ids to run as, for a server that refuses root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Whether it answers; asked again and again until true. */
  readonly ready: () => Promise<boolean>;
  /** Milliseconds to become ready. @default {60_000} */
  readonly readyWithinMs?: number;
  /** What ends it in peace. @default {"SIGTERM"} */
  readonly stopSignal?: NodeJS.Signals;
}

/** A running server. */
export interface ServerProcess extends AsyncDisposable {
  /** Process id. */
  readonly pid: number;
  /** Whether it still runs. */
  readonly running: boolean;
  /** The last 20,000 characters that it printed. */
  output(): string;
  /** Sends a signal and returns at once: `SIGSTOP` freezes, `SIGCONT` goes on. */
  signal(name: NodeJS.Signals): void;
  /** Kills it (SIGKILL) and resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it in peace, after 10 s by force; resolves when it is gone. Twice is fine. */
  close(): Promise<void>;
}

const MAX_OUTPUT = 20_000;
const POLL_MS = 50;
const STOP_MS = 10_000;

/** A port of the loopback address that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") {
    throw new CqiError("CQI_INTERNAL", "Cannot find a free port: the listener has no address");
  }
  return address.port;
}

/** The last part of what a child prints. */
function tail(child: ChildProcess): () => string {
  let text = "";
  const take = (chunk: unknown): void => {
    text = (text + String(chunk)).slice(-MAX_OUTPUT);
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  return () => text;
}

/**
 * Starts a server and waits until it answers. What it started is ended when it never does.
 *
 * @param options The program and how to tell that it answers.
 */
export async function startServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const { name, user } = options;
  const child = spawn(options.command, options.args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(user === undefined ? {} : user),
  });
  let running = true;
  const gone = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`exit ${signal ?? code}`));
  }).finally(() => running = false);
  const output = tail(child);
  // Not the child's own kill: on Deno that reports the signal as the way it ended.
  const signal = (signalName: NodeJS.Signals): void => {
    if (running && child.pid !== undefined) process.kill(child.pid, signalName);
  };
  const kill = async (): Promise<void> => {
    signal("SIGKILL");
    await gone;
  };
  const close = async (): Promise<void> => {
    signal("SIGCONT");
    signal(options.stopSignal ?? "SIGTERM");
    const force = systemClock.timer(() => signal("SIGKILL"), STOP_MS);
    await gone;
    force.cancel();
  };
  const limitMs = options.readyWithinMs ?? 60_000;
  const start = systemClock.monotonic();
  while (running && !await options.ready()) {
    if (systemClock.monotonic() - start > limitMs) {
      await kill();
      throw new CqiError(
        "CQI_DEADLINE_EXCEEDED",
        `Cannot start ${name}: it did not answer within ${limitMs} ms and printed\n${output()}`,
      );
    }
    await sleep(systemClock, POLL_MS);
  }
  if (!running) {
    throw new CqiError(
      "CQI_UNAVAILABLE",
      `Cannot start ${name}: it ended with ${await gone} and printed\n${output()}`,
    );
  }
  return {
    pid: child.pid!,
    get running() {
      return running;
    },
    output,
    signal,
    kill,
    close,
    [Symbol.asyncDispose]: close,
  };
}
