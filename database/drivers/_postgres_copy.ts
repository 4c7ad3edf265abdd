import { once } from "node:events";
import type { Wire } from "./_postgres_wire.ts";

/** Feeds lines to a `copy ... from stdin`, no faster than the socket takes them. */
export class CopyFeed {
  readonly #lines: AsyncIterable<string>;
  readonly #stopped = new AbortController();
  /** What the source of the lines threw. */
  failure: { readonly error: unknown } | undefined;

  /** @param lines Text in COPY's format. */
  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines;
  }

  /** Begins to send; ends with CopyDone, or with CopyFail when the source throws. */
  start(wire: Wire): void {
    void this.#feed(wire);
  }

  /** Sends no more: the copy is over, one way or the other. */
  stop(): void {
    this.#stopped.abort();
  }

  async #feed(wire: Wire): Promise<void> {
    const { signal } = this.#stopped;
    const encoder = new TextEncoder();
    try {
      for await (const text of this.#lines) {
        if (signal.aborted) return;
        wire.sendCopyFromChunk(encoder.encode(text));
        if (wire.stream.writableNeedDrain) await once(wire.stream, "drain", { signal });
      }
      if (!signal.aborted) wire.endCopyFrom();
    } catch (error) {
      if (signal.aborted) return;
      this.failure = { error };
      wire.sendCopyFail("the source of the rows failed");
    }
  }
}
