// Headers of records that were read. Most are never asked for one by one, so nothing is made of
// them until they are: a view of a value when it is wanted, a map when all of them are.

import type { HeaderValue } from "../types.ts";

/** Headers as the client library reads them. */
export type RawHeaders = readonly (readonly [name: Uint8Array | null, value: Uint8Array | null])[];

/** Makes the headers of records. */
export type HeaderReader = (raw: RawHeaders) => ReadonlyMap<string, HeaderValue>;

// A byte order mark is part of a name like anything else.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Makes a reader for records that come one after another, whose names are mostly the same. */
export function headerReader(): HeaderReader {
  let before: RawHeaders = [];
  let names: readonly string[] = [];
  return (raw) => {
    if (!haveSameNames(raw, before)) {
      names = raw.map(([name]) => name === null ? "" : utf8.decode(name));
      before = raw;
    }
    return new Headers(names, raw);
  };
}

/** Plain bytes over the same memory: a Buffer's slice would share it where a copy is meant. */
export function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}

function haveSameNames(some: RawHeaders, others: RawHeaders): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) {
    const [one, other] = [some[i]![0], others[i]![0]];
    if (one?.length !== other?.length) return false;
    if (one === null || other === null) {
      if (one !== other) return false;
      continue;
    }
    for (let at = 0; at < one!.length; at++) if (one![at] !== other![at]) return false;
  }
  return true;
}

/** The first of each name counts. */
class Headers implements ReadonlyMap<string, HeaderValue> {
  readonly #names: readonly string[];
  readonly #raw: RawHeaders;
  #all: ReadonlyMap<string, HeaderValue> | undefined;

  constructor(names: readonly string[], raw: RawHeaders) {
    this.#names = names;
    this.#raw = raw;
  }

  get size(): number {
    return this.#map().size;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  get(name: string): HeaderValue | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#valueAt(at);
  }

  forEach(
    each: (value: HeaderValue, name: string, map: ReadonlyMap<string, HeaderValue>) => void,
    self?: unknown,
  ): void {
    for (const [name, value] of this.#map()) each.call(self, value, name, this);
  }

  entries(): MapIterator<[string, HeaderValue]> {
    return this.#map().entries();
  }

  keys(): MapIterator<string> {
    return this.#map().keys();
  }

  values(): MapIterator<HeaderValue> {
    return this.#map().values();
  }

  [Symbol.iterator](): MapIterator<[string, HeaderValue]> {
    return this.entries();
  }

  #map(): ReadonlyMap<string, HeaderValue> {
    if (this.#all !== undefined) return this.#all;
    const all = new Map<string, HeaderValue>();
    this.#names.forEach((name, at) => {
      if (!all.has(name)) all.set(name, this.#valueAt(at));
    });
    this.#all = all;
    return all;
  }

  #valueAt(at: number): Uint8Array {
    const value = this.#raw[at]![1];
    return value === null ? new Uint8Array() : plain(value);
  }
}
