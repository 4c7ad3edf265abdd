// Standard output and error as Deno, Node and Bun have them.

/** What bytes go to. */
export interface ByteTarget {
  /** Writes some of the bytes without holding the event loop up; gives how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Writes some of the bytes at once; gives how many. */
  writeSync(bytes: Uint8Array): number;
  /** Lets a write that is under way on another thread finish. */
  settle(): void;
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
  /** Calls a function when the process is about to end; gives back what stops that. */
  onExit(callback: () => void): () => void;
}

// A pipe that somebody reads takes a chunk in far less.
const SETTLE_MS = 50;

interface DenoStream {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}
interface Runtime {
  readonly Deno?: { readonly stdout: DenoStream; readonly stderr: DenoStream; noColor: boolean };
  readonly process?: {
    getBuiltinModule(id: string): unknown;
    readonly env: Readonly<Record<string, string | undefined>>;
    on(name: string, callback: () => void): void;
    off(name: string, callback: () => void): void;
  };
  addEventListener?(name: string, callback: () => void): void;
  removeEventListener?(name: string, callback: () => void): void;
}
interface FileSystem {
  write(fd: number, bytes: Uint8Array, done: (error: unknown, count: number) => void): void;
  writeSync(fd: number, bytes: Uint8Array): number;
}

/** Standard output or error of the runtime at hand. */
export function fileTarget(fd: 1 | 2): ByteTarget {
  const runtime = globalThis as unknown as Runtime;
  return runtime.Deno === undefined ? nodeTarget(runtime, fd) : denoTarget(runtime, fd);
}

// Nothing tells a stopped event loop that a thread is done, so this is a wait of fixed length.
function settle(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MS);
}

function denoTarget(runtime: Runtime, fd: 1 | 2): ByteTarget {
  const deno = runtime.Deno!;
  const stream = fd === 1 ? deno.stdout : deno.stderr;
  // "unload" is not sent for an uncaught error; the other two are, and listening changes nothing.
  const names = ["unload", "error", "unhandledrejection"];
  const isTerminal = stream.isTerminal();
  return {
    write: (bytes) => stream.write(bytes),
    writeSync: (bytes) => stream.writeSync(bytes),
    settle,
    isTerminal,
    hasColors: isTerminal && !deno.noColor,
    onExit(callback) {
      for (const name of names) runtime.addEventListener?.(name, callback);
      return () => names.forEach((name) => runtime.removeEventListener?.(name, callback));
    },
  };
}

function nodeTarget(runtime: Runtime, fd: 1 | 2): ByteTarget {
  const process = runtime.process!;
  const fs = process.getBuiltinModule("node:fs") as FileSystem;
  const tty = process.getBuiltinModule("node:tty") as { isatty(fd: number): boolean };
  const isTerminal = tty.isatty(fd);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) =>
        fs.write(fd, bytes, (error, count) => error ? reject(error) : resolve(count))
      ),
    writeSync: (bytes) => fs.writeSync(fd, bytes),
    settle,
    isTerminal,
    // https://no-color.org: any value but the empty one.
    hasColors: isTerminal && !process.env.NO_COLOR,
    onExit(callback) {
      // Sent for an uncaught error too.
      process.on("exit", callback);
      return () => process.off("exit", callback);
    },
  };
}
