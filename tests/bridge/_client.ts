import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Message, onLines } from "./_protocol.ts";

/** A delivery as the worker writes it. */
export interface Delivered {
  readonly sub: number;
  readonly d: number;
  readonly msg: Message;
}

/** A running worker. */
export interface Client extends AsyncDisposable {
  /** Sends a request and waits for its answer; rejects with its `err`. */
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Sends what has no answer. */
  tell(request: Record<string, unknown>): void;
  /** Called for each delivery from now on. */
  onDelivery(take: (delivered: Delivered) => void): void;
  /** Resolves when a subscription has ended. */
  ended(sub: number): Promise<void>;
  /** Closes its input; resolves with its exit code. */
  finish(): Promise<number | null>;
  /** Kills it. */
  kill(): Promise<void>;
}

function runtimeArgs(): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--no-check"];
  if ("Bun" in globalThis) return ["run"];
  return ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
}

/** Starts a worker on the runtime that runs the test. */
export function startWorker(env: Readonly<Record<string, string>>): Client {
  const script = fileURLToPath(new URL("worker.ts", import.meta.url));
  const child = spawn(process.execPath, [...runtimeArgs(), script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  // What is told to one that was killed meanwhile is heard by nobody.
  child.stdin.on("error", () => {});
  const answers = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const ends = new Map<number, PromiseWithResolvers<void>>();
  const exit = Promise.withResolvers<number | null>();
  let take: (delivered: Delivered) => void = () => {};
  let lastId = 0;

  const endOf = (sub: number): PromiseWithResolvers<void> => {
    let end = ends.get(sub);
    if (end === undefined) ends.set(sub, end = Promise.withResolvers());
    return end;
  };

  onLines(child.stdout, (line) => {
    const message = JSON.parse(line);
    if (message.id !== undefined) {
      const answer = answers.get(message.id);
      answers.delete(message.id);
      if (message.err === undefined) answer?.resolve(message);
      else answer?.reject(new Error(message.err));
    } else if (message.end === true) endOf(message.sub).resolve();
    else take(message);
  });
  child.on("exit", (code) => {
    exit.resolve(code);
    for (const answer of answers.values()) answer.reject(new Error(`The worker ended (${code})`));
    answers.clear();
  });

  const tell = (request: Record<string, unknown>): void =>
    void child.stdin.write(`${JSON.stringify(request)}\n`);
  const finish = (): Promise<number | null> => {
    child.stdin.end();
    return exit.promise;
  };
  return {
    tell,
    ask(request) {
      const id = ++lastId;
      const answer = Promise.withResolvers<Record<string, unknown>>();
      answers.set(id, answer);
      tell({ id, ...request });
      return answer.promise;
    },
    onDelivery: (taker) => void (take = taker),
    ended: (sub) => endOf(sub).promise,
    finish,
    async kill() {
      process.kill(child.pid!, "SIGKILL");
      await exit.promise;
    },
    async [Symbol.asyncDispose]() {
      await finish();
    },
  };
}
