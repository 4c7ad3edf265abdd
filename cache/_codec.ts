import {
  create,
  type DescMessage,
  fromBinary,
  isMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { decode, encode } from "../contracts/mod.ts";
import { refuse } from "../internal/options.ts";

/** How values become bytes. */
export interface Codec<V, I = V> {
  /** Part of every key, so that two types under one name do not meet. */
  readonly fingerprint: string;
  /** The value that is made of what a caller gave. */
  take(given: I): V;
  /**
   * Bytes that nobody else can change.
   *
   * @param isCopied True for who copies them at once: they may then be the caller's own.
   */
  encode(value: V, isCopied?: boolean): Uint8Array;
  /**
   * Keeps no view of the bytes, unless they are the caller's own. Throws for bytes it cannot read.
   */
  decode(bytes: Uint8Array, isOwn?: boolean): V;
  /**
   * Makes copies of a value that share nothing with it, where that takes less time than to decode
   * it. The value is not to change any more.
   */
  copies?(value: V): () => V;
}

/** Size of the block that small copies share, in bytes; copies of over half of it get their own. */
const BLOCK_BYTES = 8192;
/** Most that an answer of a backend has besides one value, in bytes: framing and envelope. */
const FRAME_BYTES = 64;
/** Deepest nesting of messages that is read, as in contracts/. */
const RECURSION_LIMIT = 100;

/** Bytes as they are. No message is named like this: "-" cannot be in its name. */
export const BYTES_CODEC: Codec<Uint8Array> = {
  fingerprint: "-bytes",
  take: (given) => given instanceof Uint8Array ? given : refuse("value", given, "a Uint8Array"),
  encode: (value, isCopied = false) => isCopied ? value : new Uint8Array(value),
  // Not slice: of the Buffers that drivers on Node give, that is a view. What came alone in its
  // buffer is handed on: a buffer of its own costs V8 up to a microsecond.
  decode: (bytes, isOwn = false) =>
    isOwn && bytes.buffer.byteLength - bytes.length <= FRAME_BYTES ? bytes : new Uint8Array(bytes),
};

/** Whether both are undefined, or the same bytes. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Makes a function that copies bytes into blocks: on V8 a buffer of its own for each copy would
 * cost ten times as much as the copy.
 */
export function createCopier(): (bytes: Uint8Array) => Uint8Array {
  const allocate = createAllocator();
  return (bytes) => {
    const copy = allocate(bytes.length);
    copy.set(bytes);
    return copy;
  };
}

/** Makes a function that gives zeroed bytes out of blocks, for what does not live long. */
export function createAllocator(): (length: number) => Uint8Array {
  let block = new Uint8Array(BLOCK_BYTES);
  let used = 0;
  return (length) => {
    if (length > BLOCK_BYTES / 2) return new Uint8Array(length);
    if (used + length > BLOCK_BYTES) {
      block = new Uint8Array(BLOCK_BYTES);
      used = 0;
    }
    used += length;
    return block.subarray(used - length, used);
  };
}

/** Whether a message can hold a field of type bytes, in itself or in a message within. */
export function holdsBytes(schema: DescMessage, seen: Set<DescMessage> = new Set()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some((field) =>
    field.scalar === ScalarType.BYTES ||
    (field.message !== undefined && holdsBytes(field.message, seen))
  );
}

/**
 * Messages of one type. What a decode gives may be views of the bytes it read (fields of type
 * bytes, unknown fields), so each decode reads a copy of its own.
 *
 * @param schema Descriptor of the message.
 * @param copy Copies into shared blocks; used where only unknown fields could be views.
 */
export function messageCodec<Desc extends DescMessage>(
  schema: Desc,
  copy: (bytes: Uint8Array) => Uint8Array,
): Codec<MessageShape<Desc>, MessageInitShape<Desc>> {
  const options = { recursionLimit: RECURSION_LIMIT };
  return {
    fingerprint: schema.typeName,
    take: (given) => isMessage(given) ? given as MessageShape<Desc> : madeOf(schema, given),
    encode: (message) => encode(schema, message),
    copies: copiesOf,
    decode: holdsBytes(schema)
      ? (bytes) => decode(schema, bytes, { maxBytes: bytes.length })
      : (bytes) => fromBinary(schema, copy(bytes), options),
  };
}

// A message of plain fields alone is copied by the engine, in half the time or less.
function copiesOf<T extends object>(value: T): () => T {
  const isFlat = Object.values(value).every((field) => typeof field !== "object");
  if (!isFlat) return () => copyOf(value);
  const prototype: object | null = Object.getPrototypeOf(value);
  return () => Object.assign(Object.create(prototype) as T, value);
}

/**
 * A copy that shares nothing with the original: of messages, whatever their fields hold. A third of
 * the time that decoding the same message takes.
 */
function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  const given = value as Record<string, unknown>;
  // The prototype has the defaults of a message's fields.
  const copy = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    const field = given[key];
    const mine = typeof field === "object" ? copyOf(field) : field;
    if (key !== "__proto__") copy[key] = mine;
    // A key of a map, of which assigning would make a prototype.
    else {
      Object.defineProperty(copy, key, {
        value: mine,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return copy as T;
}

function madeOf<Desc extends DescMessage>(
  schema: Desc,
  given: MessageInitShape<Desc>,
): MessageShape<Desc> {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    return create(schema, given);
  }
  refuse("value", given, `a ${schema.typeName} or its fields`);
}
