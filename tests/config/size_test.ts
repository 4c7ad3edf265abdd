import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSize } from "../../config/mod.ts";

test("parseSize reads bytes, powers of 1,000 and powers of 1,024", () => {
  const table: [string, number][] = [
    ["0", 0],
    ["1024", 1024],
    ["1B", 1],
    ["1kB", 1000],
    ["1KB", 1000],
    ["1KiB", 1024],
    ["10MB", 10_000_000],
    ["10MiB", 10_485_760],
    ["1.5GiB", 1_610_612_736],
    ["2TiB", 2_199_023_255_552],
  ];
  for (const [text, bytes] of table) assert.equal(parseSize(text), bytes, text);
});

test("parseSize refuses what is no size, or not of whole bytes", () => {
  const table = ["", " ", "MiB", "-1", "+1", "01", "1 MiB", "1mb", "1M", "1e6", "1.5B", "9999TiB"];
  for (const text of [...table, "1.1KiB", "constructor", "1toString", "9".repeat(100_000)]) {
    assert.equal(parseSize(text), undefined, text.slice(0, 20));
  }
});
