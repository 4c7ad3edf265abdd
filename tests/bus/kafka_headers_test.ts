import assert from "node:assert/strict";
import { test } from "node:test";
import { headerReader, type RawHeaders } from "../../bus/drivers/_kafka_headers.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const raw = (...pairs: readonly (readonly [string | null, string | null])[]): RawHeaders =>
  pairs.map(([name, value]) => [
    name === null ? null : bytes(name),
    value === null ? null : bytes(value),
  ]);
const shown = (value: unknown): string => new TextDecoder().decode(value as Uint8Array);

test("headerReader reads each record's own headers, however alike their names are", () => {
  const read = headerReader();
  const records = [
    raw(["a", "1"], ["bb", "2"]),
    raw(["a", "3"], ["bb", "4"]),
    raw(["a", "5"], ["bc", "6"]),
    raw(["a", "7"]),
    raw(),
    raw([null, "8"], ["bc", "9"]),
    raw(["", "10"], ["bc", "11"]),
    raw(["bc", "12"], ["a", "13"]),
  ];
  const wanted = records.map((record) =>
    record.map(([name, value]) => [name === null ? "" : shown(name), shown(value)])
  );
  const headers = records.map(read);
  // Read after all are made: none may depend on the reader's later state.
  assert.deepEqual(headers.map((each) => [...each].map(([n, v]) => [n, shown(v)])), wanted);
});

test("headers that were read are a map of which the first of each name counts", () => {
  const headers = headerReader()(raw(["h", "1"], ["h", "2"], ["n", null], ["o", "3"]));
  assert.deepEqual([shown(headers.get("h")), headers.get("x")], ["1", undefined]);
  assert.deepEqual([headers.has("o"), headers.has("x"), headers.size], [true, false, 3]);
  assert.deepEqual([...headers.keys()], ["h", "n", "o"]);
  assert.deepEqual([...headers.values()].map(shown), ["1", "", "3"]);
  assert.deepEqual([...headers.entries()].map(([name]) => name), [...headers.keys()]);
  const seen: [string, string][] = [];
  headers.forEach(function (this: unknown, value, name, map) {
    assert.deepEqual([this, map], ["self", headers]);
    seen.push([name, shown(value)]);
  }, "self");
  assert.deepEqual(seen, [["h", "1"], ["n", ""], ["o", "3"]]);
  assert.deepEqual([...new Map(headers)].length, 3);
});

test("headers that were read give plain bytes, and names as they stand", () => {
  const headers = headerReader()([[bytes("\ufeffa"), new Uint8Array([0xff, 0])]]);
  assert.deepEqual([...headers.keys()], ["\ufeffa"]);
  const value = headers.get("\ufeffa") as Uint8Array;
  assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
  assert.deepEqual([...value], [0xff, 0]);
});
