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

// A UTF-16 unit is at most three bytes of UTF-8.
const MAX_BYTES_PER_UNIT = 3;
const LINE_FEED = 10;

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

/** Bytes that wait, and how many lines they are. */
interface Chunk {
  bytes: Uint8Array;
  lines: number;
}

/** Lines as bytes, in chunks: texts would cost several times their length until they are written. */
class ByteQueue {
  #full: Chunk[] = [];
  #open: Chunk = { bytes: new Uint8Array(0), lines: 0 };
  #used = 0;
  #spare: Uint8Array | undefined;
  /** Bytes that wait. */
  size = 0;

  get lines(): number {
    return this.#full.reduce((sum, chunk) => sum + chunk.lines, this.#open.lines);
  }

  push(line: string): void {
    const most = line.length * MAX_BYTES_PER_UNIT + 1;
    if (this.#used + most > this.#open.bytes.length) this.#seal(most);
    const { bytes } = this.#open;
    const start = this.#used;
    this.#used += encoder.encodeInto(line, bytes.subarray(start)).written;
    bytes[this.#used++] = LINE_FEED;
    this.#open.lines++;
    this.size += this.#used - start;
  }

  /** The next chunk, or undefined when nothing waits. */
  shift(): Chunk | undefined {
    if (this.#full.length === 0 && this.#open.lines > 0) this.#seal(0);
    const chunk = this.#full.shift();
    this.size -= chunk?.bytes.length ?? 0;
    return chunk;
  }

  /** Takes the memory of a chunk that is written back. */
  recycle(bytes: Uint8Array): void {
    if (bytes.buffer.byteLength === CHUNK_BYTES) this.#spare = new Uint8Array(bytes.buffer);
  }

  clear(): void {
    this.#full = [];
    this.#open = { bytes: new Uint8Array(0), lines: 0 };
    this.#used = 0;
    this.size = 0;
  }

  #seal(next: number): void {
    const { bytes, lines } = this.#open;
    if (lines > 0) this.#full.push({ bytes: bytes.subarray(0, this.#used), lines });
    const spare = next > 0 && next <= CHUNK_BYTES ? this.#spare : undefined;
    if (spare !== undefined) this.#spare = undefined;
    const fresh = next === 0 ? 0 : Math.max(CHUNK_BYTES, next);
    this.#open = { bytes: spare ?? new Uint8Array(fresh), lines: 0 };
    this.#used = 0;
  }
}

class Sink implements StdioSink {
  readonly #target: ByteTarget;
  readonly #clock: NonNullable<StdioSinkOptions["clock"]>;
  readonly #maxBytes: number;
  readonly #stopExit: () => void;
  readonly #queue = new ByteQueue();
  // The chunk that is being written.
  #chunk: Chunk | undefined;
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
    if (this.#gone || this.#queue.size + line.length + 1 > this.#maxBytes) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
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
    while (this.#next()) await this.#send();
    this.#running = undefined;
  }

  #next(): boolean {
    this.#chunk = this.#gone ? undefined : this.#queue.shift();
    return this.#chunk !== undefined;
  }

  async #send(): Promise<void> {
    const whole = this.#chunk?.bytes;
    while (this.#chunk !== undefined && this.#chunk.bytes.length > 0) {
      this.#since = this.#clock.monotonic();
      try {
        const written = await this.#target.write(this.#chunk.bytes);
        if (this.#chunk !== undefined) this.#chunk.bytes = this.#chunk.bytes.subarray(written);
      } catch (error) {
        if (isBusy(error)) await this.#pause();
        else this.#fail(error);
      }
    }
    if (whole !== undefined) this.#queue.recycle(whole);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.timer(resolve, RETRY_MS));
  }

  /** Drops what cannot be written: all of it when nobody reads, else (a full disk) the chunk. */
  #fail(error: unknown): void {
    this.#dropped += this.#chunk?.lines ?? 0;
    this.#chunk = undefined;
    if (!isGone(error)) return;
    this.#gone = true;
    this.#dropped += this.#queue.lines;
    this.#queue.clear();
  }

  #atExit(): void {
    const isWriting = this.#chunk !== undefined && this.#chunk.bytes.length > 0;
    if (isWriting && this.#clock.monotonic() - this.#since > STUCK_MS) {
      this.#dropped += this.#queue.lines;
      this.#queue.clear();
      return;
    }
    // Bun and Deno end without their threads, and what is written below must come after what they write.
    if (isWriting) this.#target.settle();
    while (this.#next()) {
      try {
        this.#sendSync(this.#chunk!);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #sendSync(chunk: Chunk): void {
    let retries = 0;
    while (chunk.bytes.length > 0) {
      try {
        chunk.bytes = chunk.bytes.subarray(this.#target.writeSync(chunk.bytes));
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
