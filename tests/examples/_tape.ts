import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../_child.ts";

/** The program. */
export const MAIN = fileURLToPath(new URL("../../examples/tape/main.ts", import.meta.url));

/** Room for slow machines: a run starts a database of its own. */
export const TIMEOUT = { timeout: 300_000 };

const HEADER = "trade_id,time_ms,side,price,amount";

/** Runs it to its end and reads its summary. */
export async function runTape(
  args: readonly string[],
): Promise<{ code: number | null; summary: Record<string, unknown>; stderr: string }> {
  const { code, stdout, stderr } = await startChild(MAIN, ["--summary", "json", ...args]).ended;
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  assert.ok(last.startsWith("{"), `${stdout}\n${stderr}`);
  return { code, summary: JSON.parse(last), stderr };
}

/** Writes a tape for as long as it is used. */
export async function withTape<T>(
  rows: readonly string[],
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "tape-"));
  try {
    const path = join(folder, "tape.csv");
    await writeFile(path, [HEADER, ...rows, ""].join("\n"));
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
