import { Buffer } from "node:buffer";

// Messages of the client (PostgreSQL, protocol 3, "Message Formats"), by their first byte. Written
// here and not message by message, so that a query is one buffer and one write.
const PARSE = 0x50;
const BIND = 0x42;
const DESCRIBE = 0x44;
const EXECUTE = 0x45;
const SYNC = 0x53;
const CLOSE = 0x43;
const STATEMENT = 0x53;
const PORTAL = 0x50;
// Code, length, empty portal, no limit of rows; code, length.
const EXECUTE_AND_SYNC = [EXECUTE, 0, 0, 0, 9, 0, 0, 0, 0, 0, SYNC, 0, 0, 0, 4];
const DESCRIBE_PORTAL = [DESCRIBE, 0, 0, 0, 6, PORTAL, 0];
// UTF-8 has at most 3 bytes for each of UTF-16's units; beyond this it is counted out.
const SHORT = 200;
const FEW = 40;

/** What a query is sent as. */
export interface QueryMessages {
  /** Names of statements that the server is told to forget. */
  readonly forgotten: readonly string[];
  /** Name of the statement; empty for none. */
  readonly name: string;
  /** SQL to parse; undefined when the server has the statement. */
  readonly text: string | undefined;
  readonly params: readonly (string | null)[];
  /** Whether the columns are asked for. */
  readonly isDescribed: boolean;
}

/** Upper bound of a text's bytes. */
function room(text: string): number {
  return text.length <= SHORT ? text.length * 3 : Buffer.byteLength(text);
}

/** Writes one after the other into a buffer that has room for all. */
class Writer {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  raw(bytes: readonly number[]): void {
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#at++] = bytes[i]!;
  }

  int16(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  /** Begins a message; `end` fills in its length. */
  begin(code: number): number {
    this.#bytes[this.#at] = code;
    this.#at += 5;
    return this.#at - 4;
  }

  end(start: number): void {
    this.#bytes.writeInt32BE(this.#at - start, start);
  }

  cstring(text: string): void {
    this.#text(text);
    this.#bytes[this.#at++] = 0;
  }

  /** A value with its length before it; -1 is null. */
  value(text: string | null): void {
    if (text === null) {
      this.#at = this.#bytes.writeInt32BE(-1, this.#at);
      return;
    }
    const start = this.#at;
    this.#at += 4;
    this.#text(text);
    this.#bytes.writeInt32BE(this.#at - start - 4, start);
  }

  #text(text: string): void {
    if (text.length <= FEW) {
      // Most values are short and ASCII; a call into the runtime costs more than a loop.
      let i = 0;
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        this.#bytes[this.#at + i] = code;
      }
      if (i === text.length) {
        this.#at += i;
        return;
      }
    }
    this.#at += this.#bytes.write(text, this.#at);
  }
}

/** Close, Parse, Bind, Describe, Execute and Sync, of which the first two and Describe as needed. */
export function queryMessages(query: QueryMessages): Buffer {
  const { forgotten, name, text, params, isDescribed } = query;
  let size = 64 + room(name) * 2 + (text === undefined ? 0 : room(text));
  for (let i = 0; i < params.length; i++) size += 4 + room(params[i] ?? "");
  for (const old of forgotten) size += 8 + room(old);
  const writer = new Writer(size);
  for (const old of forgotten) {
    const close = writer.begin(CLOSE);
    writer.raw([STATEMENT]);
    writer.cstring(old);
    writer.end(close);
  }
  if (text !== undefined) {
    const parse = writer.begin(PARSE);
    writer.cstring(name);
    writer.cstring(text);
    // No types of parameters: the server infers them.
    writer.int16(0);
    writer.end(parse);
  }
  const bind = writer.begin(BIND);
  writer.cstring("");
  writer.cstring(name);
  // No format codes: all values are text, both ways.
  writer.int16(0);
  writer.int16(params.length);
  for (let i = 0; i < params.length; i++) writer.value(params[i]!);
  writer.int16(0);
  writer.end(bind);
  if (isDescribed) writer.raw(DESCRIBE_PORTAL);
  writer.raw(EXECUTE_AND_SYNC);
  return writer.bytes;
}
