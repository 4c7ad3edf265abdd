import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { readProject } from "./_project.ts";
import { checkNeutral, neutralFiles } from "./_types.ts";

async function checkText(text: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "cqi-planted-"));
  try {
    writeFileSync(join(folder, "planted.ts"), text);
    return (await checkNeutral([join(folder, "planted.ts")])).ok;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("Neutral files type-check with the DOM's names alone", async () => {
  const { ok, text } = await checkNeutral(neutralFiles(readProject()));
  assert.ok(ok, text.slice(-4000));
});

for (
  const text of [
    "export const x = Deno.args;",
    "export const x = process.env;",
    `export const x = Buffer.from("x");`,
    "export const x = Bun.version;",
    "export const x = setTimeout(() => {}, 1).unref();",
  ]
) {
  test(`checkNeutral() catches ${text}`, async () => {
    assert.equal(await checkText(text), false);
  });
}

test("checkNeutral() accepts what the web platform has", async () => {
  assert.equal(
    await checkText(`export const x: Promise<Response> = fetch("https://x.test");`),
    true,
  );
});
