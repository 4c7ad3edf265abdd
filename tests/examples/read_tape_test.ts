import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Line, readLines } from "../../examples/tape/lines.ts";
import { readTape, requireTape, type TapeLine } from "../../examples/tape/tape.ts";

async function linesOf(chunks: readonly string[], most: number): Promise<Line[]> {
  async function* source(): AsyncGenerator<string> {
    yield* chunks;
  }
  return await Array.fromAsync(readLines(source(), most));
}

async function read(text: string): Promise<TapeLine[]> {
  const folder = await mkdtemp(join(tmpdir(), "tape-"));
  try {
    const path = join(folder, "tape.csv");
    await writeFile(path, text);
    return await Array.fromAsync(readTape(path));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const HEADER = "trade_id,time_ms,side,price,amount";

async function problemOf(row: string): Promise<string> {
  const [line] = await read(`${HEADER}\n${row}\n`);
  assert.ok(line !== undefined && "problem" in line, `${row} was taken`);
  assert.equal(line.number, 2);
  return line.problem;
}

test("readLines joins what chunks cut and takes both line ends", async () => {
  const lines = await linesOf(["a", "b\r", "\nc\n\n", "d"], 10);
  assert.deepEqual(lines.map(({ number, text }) => [number, text]), [
    [1, "ab"],
    [2, "c"],
    [3, ""],
    [4, "d"],
  ]);
});

test("readLines holds no more of a line than it was told to, and counts the rest", async () => {
  const chunk = "9".repeat(65_536);
  const chunks = [...Array.from({ length: 500 }, () => chunk), "\nnext\n"];
  const [long, next] = await linesOf(chunks, 8);
  assert.deepEqual(long, { number: 1, text: "99999999", length: 500 * 65_536 });
  assert.deepEqual(next, { number: 2, text: "next", length: 4 });
});

test("readTape names a line of 30 million characters and reads on", async () => {
  const lines = await read(`${HEADER}\n${"1".repeat(30_000_000)}\n2,0,buy,0.5,1\n`);
  assert.deepEqual(lines[0], { number: 2, problem: "it has 30000000 characters, at most 1024" });
  assert.ok(lines[1] !== undefined && "trade" in lines[1]);
});

test("readTape takes quoted cells and a quoted header", async () => {
  const quoted = HEADER.split(",").map((name) => `"${name}"`).join(",");
  const lines = await read(`\uFEFF${quoted}\r\n"a""b","0","buy","0.5",1\r\n`);
  const trade = { tradeId: 'a"b', timeMs: 0, side: "buy", price: "0.5", amount: "1" };
  assert.deepEqual(lines, [{ number: 2, trade }]);
});

test("readTape names quotes that do not match", async () => {
  for (const row of ['"1,0,buy,0.5,1', '1,0,b"u"y,0.5,1', '"1"x,0,buy,0.5,1', '1,0,buy,0.5,"']) {
    assert.match(await problemOf(row), /double quote/);
  }
});

test("readTape bounds the digits of price and amount, so that no product or sum overflows", async () => {
  for (const text of ["9".repeat(38), "9".repeat(16), `0.${"0".repeat(18)}1`, "0", "-1", "1e5"]) {
    assert.match(await problemOf(`1,0,buy,${text},1`), /^price must be .* 15 digits/);
    assert.match(await problemOf(`1,0,buy,1,${text}`), /^amount must be .* 15 digits/);
  }
});

test("requireTape names a tape that is not there, and a folder", async () => {
  const nowhere = join(tmpdir(), "no", "such", "tape.csv");
  await assert.rejects(requireTape(nowhere), /^Error: Cannot read the tape .*tape\.csv: .*ENOENT/);
  await assert.rejects(requireTape(tmpdir()), /Cannot read the tape .*: It is a folder/);
});
