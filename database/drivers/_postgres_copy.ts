import { Buffer } from "node:buffer";
import type { Wire } from "./_postgres_wire.ts";

/** Feeds lines to a `copy ... from stdin`, no faster than the socket takes them. */
export class CopyFeed {
  readonly #lines: AsyncIterator<string>;
  #isStopped = false;
  /** Ends the wait for the socket. */
  #resume: () => void = () => {};
  #wire: Wire | undefined;

  /** @param lines Text in COPY's format. */
  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Begins to send; ends with CopyDone, or with CopyFail when the source throws. */
  start(wire: Wire): void {
    if (this.#isStopped) return wire.sendCopyFail("the copy was called off");
    this.#wire = wire;
    void this.#feed(wire);
  }

  /** Tells the server to undo the copy, which it answers with an error. */
  fail(reason: string): void {
    this.stop();
    this.#wire?.sendCopyFail(reason);
  }

  /** Sends no more: the copy is over, one way or the other. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#resume();
    // Not awaited: a source that never gives its next line never ends either.
    this.#lines.return?.().catch(() => {});
  }

  async #feed(wire: Wire): Promise<void> {
    for (;;) {
      let next: IteratorResult<string>;
      try {
        next = await this.#lines.next();
      } catch {
        // Whoever gave the lines knows why; the server needs to know that there are no more.
        if (!this.#isStopped) this.fail("the source of the rows failed");
        return;
      }
      if (this.#isStopped) return;
      if (next.done === true) return wire.endCopyFrom();
      wire.sendCopyFromChunk(Buffer.from(next.value));
      if (wire.stream.writableNeedDrain) await this.#drained(wire);
    }
  }

  /** Waits until the socket takes more; a copy that is over waits for nothing. */
  async #drained(wire: Wire): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    wire.stream.once("drain", resolve);
    await promise;
    wire.stream.off("drain", resolve);
  }
}
