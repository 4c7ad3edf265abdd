import type { Logger, Random } from "../core/mod.ts";
import type { Guard } from "./_guard.ts";
import { encodePrefix } from "./_key.ts";

// A message: format 2, the sender (8 random bytes), what it names, then a list of texts as JSON, since
// a tag may have any character.
const FORMAT = 2;
const SENDER_BYTES = 8;
const HEAD_BYTES = 2 + SENDER_BYTES;
const KINDS = ["keys", "prefix", "tags"] as const;
/** Most lines of one message. */
const MAX_LINES = 1000;

/** What has changed: keys, all keys with a prefix, or all values with a tag. */
export type NewsKind = (typeof KINDS)[number];

/** What {@linkcode News} is made of. */
export interface NewsOptions {
  readonly guard: Guard;
  readonly random: Random;
  readonly logger: Logger;
  readonly keyPrefix: string;
  /** Told of what has changed elsewhere. */
  readonly forget: (kind: NewsKind, lines: readonly string[]) => void;
  /** Told that anything may have. */
  readonly lost: () => void;
}

/**
 * Tells the near tiers of other processes what has changed, and hears it from them. Messages may be
 * lost: then nothing in the tier is served any more, and the time to live of its values is the last resort.
 */
export class News {
  readonly #options: NewsOptions;
  readonly #sender: Uint8Array;
  readonly #channel: string;
  #isListening = false;

  constructor(options: NewsOptions) {
    const { keyPrefix, random } = options;
    this.#options = options;
    this.#sender = random.bytes(SENDER_BYTES);
    this.#channel = `${encodePrefix(keyPrefix)}-changed`;
  }

  /** Hears the others from now on, which may take a connection. */
  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { guard, lost } = this.#options;
    guard.driver.listen(this.#channel, { message: (bytes) => this.#hear(bytes), lost });
  }

  /** Sends to the others. Call it after the change; never fails. */
  tell(kind: NewsKind, lines: readonly string[]): void {
    for (let i = 0; i < lines.length; i += MAX_LINES) {
      this.#send(kind, lines.slice(i, i + MAX_LINES));
    }
  }

  #send(kind: NewsKind, lines: readonly string[]): void {
    const { guard, logger } = this.#options;
    const text = new TextEncoder().encode(JSON.stringify(lines));
    const message = new Uint8Array(HEAD_BYTES + text.length);
    message[0] = FORMAT;
    message.set(this.#sender, 1);
    message[1 + SENDER_BYTES] = KINDS.indexOf(kind);
    message.set(text, HEAD_BYTES);
    const failed = (error: unknown): void =>
      logger.debug("Cache change could not be announced, others see it after their near ttl", {
        error,
      });
    try {
      const channel = this.#channel;
      const sent = guard.call((options) => guard.driver.announce(channel, message, options));
      if (sent instanceof Promise) sent.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #hear(bytes: Uint8Array): void {
    const { forget, lost } = this.#options;
    const kind = bytes[0] === FORMAT ? KINDS[bytes[HEAD_BYTES - 1] ?? -1] : undefined;
    if (this.#sender.every((byte, i) => byte === bytes[1 + i])) return;
    const lines = kind === undefined ? undefined : linesOf(bytes.subarray(HEAD_BYTES));
    // Another version's message says that something has changed, if not what.
    if (kind === undefined || lines === undefined) return lost();
    forget(kind, lines);
  }
}

function linesOf(bytes: Uint8Array): readonly string[] | undefined {
  try {
    const lines: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(lines) && lines.every((line) => typeof line === "string")
      ? lines
      : undefined;
  } catch {
    // No list of texts: whoever hears it takes anything to have changed.
    return undefined;
  }
}
