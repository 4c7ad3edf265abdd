import { Buffer } from "node:buffer";
import type { Redis } from "ioredis";
import type { CacheEntry } from "../types.ts";
import { replyCode } from "./_redis_errors.ts";
import type { Client, Joint } from "./_redis_op.ts";

/** Most keys of one MGET: it keeps the server from others for some 0.1 ms. */
const MAX_READS = 500;
/** Most bytes that one script writes: it keeps the server from others for some 0.3 ms. */
const MAX_WRITE_BYTES = 131_072;
/** What a write costs besides key and value, in bytes. */
const WRITE_OVERHEAD = 256;

/** A word of a command. */
export type Word = string | Buffer;

/** A view, not a copy: the bytes are not changed any more. */
export function wire(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A time to live as scripts take it. */
export function ttlWord(ttlMs: number | undefined): string {
  return ttlMs === undefined ? "" : String(ttlMs);
}

/** Runs a script; they are methods that the client gets when it is made. */
export function script(client: Client, name: string, words: readonly Word[]): Promise<unknown> {
  return (client as unknown as Record<string, (...args: Word[]) => Promise<unknown>>)[name]!(
    ...words,
  );
}

/** Reads of single keys; a key that holds no plain value has none. */
export const READS: Joint<string> = {
  limit: MAX_READS,
  weigh: () => 1,
  one: (client, key) =>
    client.getBuffer(key).then((value) => value ?? undefined, (error: unknown) => {
      if (replyCode(error) === "WRONGTYPE") return undefined;
      throw error;
    }),
  many: async (client, keys) => {
    const values = await (client as Redis).mgetBuffer([...keys]);
    return values.map((value) => value ?? undefined);
  },
};

/** Writes of single keys. */
export const WRITES: Joint<CacheEntry> = {
  limit: MAX_WRITE_BYTES,
  weigh: ({ key, value }) => WRITE_OVERHEAD + key.length + value.length,
  one: (client, { key, value, ttlMs }) =>
    ttlMs === undefined ? client.set(key, wire(value)) : client.set(key, wire(value), "PX", ttlMs),
  // A command for each would cost the client twice as much as all the rest.
  many: async (client, entries) => {
    const words: Word[] = [String(entries.length)];
    for (const { key } of entries) words.push(key);
    for (const { value, ttlMs } of entries) words.push(wire(value), ttlWord(ttlMs));
    await script(client, "cqiStore", words);
    return entries;
  },
};
