import type { DriverColumn, DriverResult } from "../types.ts";

// Messages of the server (PostgreSQL, Frontend/Backend Protocol, Message Formats), by their first
// byte. Read here and not by the client's own parser, which loses a byte order mark at the start of
// a value.
const ROW_DESCRIPTION = 0x54;
const DATA_ROW = 0x44;
const COMMAND_COMPLETE = 0x43;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;

/** Fields of an error that are handed on, by their letter. */
const ERROR_FIELDS: Readonly<Record<string, string>> = {
  C: "code",
  M: "message",
  P: "position",
  s: "schema",
  t: "table",
  c: "column",
  n: "constraint",
};

/** What a batch of messages says. */
export interface Answer {
  readonly result: DriverResult;
  /** The first error, with its SQLSTATE as `code`; undefined when all went well. */
  readonly error: (Error & { readonly code?: string }) | undefined;
  /** Status of the transaction (I, T, E); undefined when it was not said. */
  readonly status: string | undefined;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  int16(): number {
    this.#at += 2;
    return this.#view.getInt16(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4);
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  text(length: number): string {
    this.#at += length;
    return this.#decoder.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  /** Text up to its closing zero byte. */
  cstring(): string {
    const text = this.text(this.#bytes.indexOf(0, this.#at) - this.#at);
    this.#at++;
    return text;
  }
}

function columnsOf(reader: Reader): DriverColumn[] {
  return Array.from({ length: reader.int16() }, () => {
    const name = reader.cstring();
    reader.int32(); // table
    reader.int16(); // attribute
    const type = reader.uint32();
    reader.int16(); // size
    reader.int32(); // modifier
    reader.int16(); // format, always text
    return { name, type };
  });
}

function rowOf(reader: Reader): (string | null)[] {
  return Array.from({ length: reader.int16() }, () => {
    const length = reader.int32();
    return length < 0 ? null : reader.text(length);
  });
}

function errorOf(reader: Reader): Error & { readonly code?: string } {
  const fields: Record<string, string> = {};
  for (let letter = reader.byte(); letter !== 0; letter = reader.byte()) {
    const value = reader.cstring();
    const name = ERROR_FIELDS[String.fromCharCode(letter)];
    if (name !== undefined) fields[name] = value;
  }
  return Object.assign(new Error(fields.message), fields);
}

/** Reads whole messages. */
export function readAnswer(bytes: Uint8Array): Answer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: (string | null)[][] = [];
  let columns: DriverColumn[] = [];
  let tag = "";
  let error: Answer["error"];
  let status: string | undefined;
  for (let at = 0; at + 5 <= bytes.length; at += 1 + view.getInt32(at + 1)) {
    const reader = new Reader(bytes, at + 5);
    switch (bytes[at]) {
      case ROW_DESCRIPTION:
        columns = columnsOf(reader);
        break;
      case DATA_ROW:
        rows.push(rowOf(reader));
        break;
      case COMMAND_COMPLETE:
        tag = reader.cstring();
        break;
      case ERROR_RESPONSE:
        error ??= errorOf(reader);
        break;
      case READY_FOR_QUERY:
        status = String.fromCharCode(reader.byte());
        break;
      default:
        break;
    }
  }
  // A tag that counts ends in the count: "INSERT 0 3", "SELECT 2"; others do not: "CREATE TABLE".
  const words = tag.split(" ");
  const count = Number(words.at(-1) || Number.NaN);
  const result = {
    command: words[0]!,
    count: Number.isInteger(count) ? count : 0,
    columns,
    rows,
  };
  return { result, error, status };
}
