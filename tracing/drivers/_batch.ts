import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Counter, Timer, WaitOptions } from "../../core/mod.ts";
import type { TracingEnv } from "../types.ts";
import { isWanted } from "./_finished.ts";

/** Sends spans; rejects when they are lost. Gives how many the receiver refused. */
export type SendSpans = (spans: readonly ReadableSpan[], signal: AbortSignal) => Promise<number>;

/** Bounds of a batch processor. */
export interface BatchSettings {
  /** Most spans that wait. */
  readonly maxQueue: number;
  /** Most spans in one export. */
  readonly maxBatch: number;
  /** Longest time that a span waits, in milliseconds. */
  readonly delayMs: number;
  /** Whether spans that failed are sent even if their trace is not. */
  readonly keepErrors: boolean;
}

const CLOSE_LIMIT_MS = 5000;

/** Collects finished spans and sends them in batches, one at a time, off the caller's path. */
export class BatchProcessor implements SpanProcessor {
  readonly #send: SendSpans;
  readonly #settings: BatchSettings;
  readonly #env: TracingEnv;
  readonly #exported: Counter;
  readonly #dropped: (reason: "queue_full" | "export_failed" | "refused" | "closed") => Counter;
  readonly #controller = new AbortController();
  #queue: ReadableSpan[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  constructor(send: SendSpans, settings: BatchSettings, env: TracingEnv) {
    this.#send = send;
    this.#settings = settings;
    this.#env = env;
    this.#exported = env.metrics.counter({
      name: "tracing_spans_exported_total",
      help: "Spans that the collector took",
    });
    const dropped = env.metrics.counter({
      name: "tracing_spans_dropped_total",
      help: "Spans that were lost, by reason",
      labels: ["reason"],
    });
    this.#dropped = (reason) => dropped.with({ reason });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (!isWanted(span, this.#settings.keepErrors)) return;
    if (this.#closed) return this.#dropped("closed").add();
    if (this.#queue.length >= this.#settings.maxQueue) return this.#dropped("queue_full").add();
    this.#queue.push(span);
    if (this.#queue.length >= this.#settings.maxBatch) void this.#drain();
    else this.#arm();
  }

  forceFlush(): Promise<void> {
    return this.flush();
  }

  shutdown(): Promise<void> {
    return this.close();
  }

  /** Resolves when all spans so far are sent or dropped, or rejects with the signal's reason. */
  async flush({ signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#drain(), promise]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Sends what it can within 5 s, or until the signal, and drops the rest. */
  async close({ signal }: WaitOptions = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const stop = (): void => this.#controller.abort();
    const timer = this.#env.clock.timer(stop, CLOSE_LIMIT_MS);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      await this.#drain();
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", stop);
      this.#timer?.cancel();
    }
  }

  #arm(): void {
    // In the background: a process that has nothing else to do may end; close() sends the rest.
    this.#timer ??= this.#env.clock.timer(() => void this.#drain(), this.#settings.delayMs, {
      background: true,
    });
  }

  /** Sends until nothing waits; calls that overlap share one run. */
  #drain(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    return this.#sending ??= this.#sendAll().finally(() => this.#sending = undefined);
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#settings.maxBatch);
      if (this.#controller.signal.aborted) this.#dropped("closed").add(batch.length);
      else await this.#sendBatch(batch);
    }
  }

  async #sendBatch(batch: readonly ReadableSpan[]): Promise<void> {
    const log = { component: "tracing", spans: batch.length };
    try {
      const refused = Math.min(await this.#send(batch, this.#controller.signal), batch.length);
      this.#exported.add(batch.length - refused);
      if (refused > 0) this.#dropped("refused").add(refused);
      if (this.#failing) this.#env.logger.info("Spans are exported again", log);
      this.#failing = false;
    } catch (error) {
      this.#dropped("export_failed").add(batch.length);
      // Once, not for each batch: the counter says how many.
      if (!this.#failing) this.#env.logger.warn("Cannot export spans", { ...log, error });
      this.#failing = true;
    }
  }
}
