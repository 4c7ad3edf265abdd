import { Buffer } from "node:buffer";
import type { Redis } from "ioredis";
import type { CacheEntry } from "../types.ts";
import { replyCode } from "./_redis_errors.ts";
import type { Client, Joint } from "./_redis_op.ts";
import { type ScriptName, SCRIPTS } from "./_redis_scripts.ts";

/** Most keys of one MGET: it keeps the server from others for some 0.1 ms. */
const MAX_READS = 500;
/** Most bytes that one script writes: it keeps the server from others for some 0.3 ms. */
const MAX_WRITE_BYTES = 131_072;
/** What a write costs besides key and value, in bytes. */
const WRITE_OVERHEAD = 256;

/** A word of a command. */
export type Word = string | Buffer;

interface WithBuffers {
  evalBuffer(...words: Word[]): Promise<unknown>;
}

/** A view, not a copy: the bytes are not changed any more. */
export function wire(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A time to live as scripts take it. */
export function ttlWord(ttlMs: number | undefined): string {
  return ttlMs === undefined ? "" : String(ttlMs);
}

/**
 * Runs a script. Its whole text goes each time: one that is called by its digest, and that the server
 * has lost, is sent again behind the commands that came after it.
 *
 * @param words Keys and arguments; before them the number of keys, if the script leaves that open.
 */
export function script(
  client: Client,
  name: ScriptName,
  words: readonly Word[],
): Promise<unknown> {
  const { lua, numberOfKeys, givesBytes = false } = SCRIPTS[name];
  const [count, ...rest] = numberOfKeys === undefined ? words : [String(numberOfKeys), ...words];
  const keys = String(count);
  if (!givesBytes) return client.eval(lua, keys, ...rest);
  // The client has it, its types do not.
  return (client as unknown as WithBuffers).evalBuffer(lua, keys, ...rest);
}

/** What a key of another type reads as: no value is empty, since each has an envelope. */
const UNREADABLE = new Uint8Array(0);

/** Reads of single keys; one that holds a list or the like gives bytes that are no value. */
export const READS: Joint<string> = {
  limit: MAX_READS,
  weigh: () => 1,
  one: (client, key) => client.getBuffer(key),
  answerOf: (error) => replyCode(error) === "WRONGTYPE" ? UNREADABLE : undefined,
  many: async (client, keys) => {
    // A key that many ask for is asked for once; each gets bytes of his own all the same.
    const places = new Map<string, number>();
    for (const key of keys) if (!places.has(key)) places.set(key, places.size);
    const values = await (client as Redis).mgetBuffer([...places.keys()]);
    if (places.size === keys.length) return values.map((value) => value ?? undefined);
    const given = new Set<number>();
    return keys.map((key) => {
      const place = places.get(key)!;
      const value = values[place] ?? undefined;
      if (value !== undefined && given.has(place)) return new Uint8Array(value);
      given.add(place);
      return value;
    });
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
