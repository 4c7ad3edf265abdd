// Standard output and error for log lines, on Deno, Node and Bun: a bounded queue, one write at a
// time that does not hold the event loop up, and what is left is written when the process ends.

import { systemClock } from "../clock.ts";
import { type ByteTarget, fileTarget } from "./stdio_target.ts";

/** A sink on a file descriptor. Structurally a `LogSink` of logging/. */
export interface StdioSink {
  write(line: string): void;
  flush(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  close(): Promise<void>;
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
  readonly dropped: number;
}

/** Settings of {@linkcode stdioSink}. */
export interface StdioSinkOptions {
  /** 1 is standard output, 2 standard error. */
  readonly fd: 1 | 2;
  /** Most bytes that wait. @default {8388608} */
  readonly maxQueueBytes?: number;
  /** Where the bytes go. @default {the file descriptor} */
  readonly target?: ByteTarget;
  /** Measures waits. @default {the system's} */
  readonly clock?: {
    monotonic(): number;
    timer(callback: () => void, delayMs: number): { cancel(): void };
  };
}

const DEFAULT_QUEUE_BYTES = 8_388_608;
const CHUNK_BYTES = 65_536;
// A write that takes longer has a reader that stands still: waiting for it would keep the process
// from ending.
const STUCK_MS = 1000;
const RETRY_MS = 10;
const MAX_SYNC_RETRIES = 1000;

const encoder = new TextEncoder();

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return String(code ?? name);
}

// The reader has gone for good.
const isGone = (error: unknown): boolean =>
  ["EPIPE", "EBADF", "ECONNRESET", "BrokenPipe", "BadResource", "ERR_STREAM_DESTROYED"]
    .includes(codeOf(error));
const isBusy = (error: unknown): boolean =>
  ["EAGAIN", "EINTR", "WouldBlock", "Interrupted"]
    .includes(codeOf(error));

class Sink implements StdioSink {
  readonly #target: ByteTarget;
  readonly #clock: NonNullable<StdioSinkOptions["clock"]>;
  readonly #maxBytes: number;
  readonly #stopExit: () => void;
  #lines: string[] = [];
  #waiting = 0;
  #chunk: Uint8Array | undefined;
  #chunkLines = 0;
  #since = 0;
  #running: Promise<void> | undefined;
  #dropped = 0;
  #gone = false;

  constructor(target: ByteTarget, options: StdioSinkOptions) {
    this.#target = target;
    this.#clock = options.clock ?? systemClock;
    this.#maxBytes = options.maxQueueBytes ?? DEFAULT_QUEUE_BYTES;
    this.#stopExit = target.onExit(() => this.#atExit());
  }

  get isTerminal(): boolean {
    return this.#target.isTerminal;
  }

  get hasColors(): boolean {
    return this.#target.hasColors;
  }

  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    // One byte a unit is exact for nearly all lines; a queue of emoji is three times its bound.
    const size = line.length + 1;
    if (this.#gone || this.#waiting + size > this.#maxBytes) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#waiting += size;
    this.#running ??= this.#run();
  }

  async flush(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#running === undefined) return;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#running, promise]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    await this.flush();
    this.#gone = true;
    this.#stopExit();
  }

  async #run(): Promise<void> {
    // Lines of one turn go out in one write.
    await Promise.resolve();
    while (this.#lines.length > 0 && !this.#gone) {
      this.#take();
      await this.#send();
    }
    this.#chunk = undefined;
    this.#running = undefined;
  }

  /** Makes the next lines, up to a chunk, into bytes. */
  #take(): void {
    let count = 0;
    let size = 0;
    while (count < this.#lines.length && (count === 0 || size < CHUNK_BYTES)) {
      size += this.#lines[count]!.length + 1;
      count++;
    }
    const lines = this.#lines.splice(0, count);
    this.#waiting -= size;
    this.#chunk = encoder.encode(lines.join("\n") + "\n");
    this.#chunkLines = count;
  }

  async #send(): Promise<void> {
    while (this.#chunk !== undefined && this.#chunk.length > 0) {
      this.#since = this.#clock.monotonic();
      try {
        const written = await this.#target.write(this.#chunk);
        this.#chunk = this.#chunk?.subarray(written);
      } catch (error) {
        if (isBusy(error)) await this.#pause();
        else this.#fail(error);
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.timer(resolve, RETRY_MS));
  }

  /** Drops what cannot be written: all of it when nobody reads, else (a full disk) the chunk. */
  #fail(error: unknown): void {
    this.#dropped += this.#chunkLines;
    this.#chunk = undefined;
    if (!isGone(error)) return;
    this.#gone = true;
    this.#dropped += this.#lines.length;
    this.#lines = [];
    this.#waiting = 0;
  }

  #atExit(): void {
    const isStuck = this.#chunk !== undefined && this.#chunk.length > 0 &&
      this.#clock.monotonic() - this.#since > STUCK_MS;
    if (isStuck) {
      this.#dropped += this.#lines.length;
      this.#lines = [];
      return;
    }
    // Bun ends without its threads, and what is written below must come after what they write.
    if (this.#chunk !== undefined) this.#target.settle?.();
    while (this.#lines.length > 0 && !this.#gone) {
      this.#take();
      try {
        this.#sendSync();
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #sendSync(): void {
    let retries = 0;
    while (this.#chunk !== undefined && this.#chunk.length > 0) {
      try {
        this.#chunk = this.#chunk.subarray(this.#target.writeSync(this.#chunk));
      } catch (error) {
        if (!isBusy(error) || ++retries > MAX_SYNC_RETRIES) throw error;
      }
    }
  }
}

/**
 * Makes a sink on standard output or error.
 *
 * @param options Which one, and the bound of its queue.
 */
export function stdioSink(options: StdioSinkOptions): StdioSink {
  return new Sink(options.target ?? fileTarget(options.fd), options);
}
