import { build } from "esbuild";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const entry = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("config and retry bundle for the edge without a module of Node or a global of Deno", async () => {
  for (const path of ["config/mod.ts", "retry/mod.ts"]) {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry(path)],
      bundle: true,
      platform: "neutral",
      mainFields: ["module", "main"],
      format: "esm",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
    assert.deepEqual(outside.filter(({ external }) => external), [], path);
    // The name by which Deno asks an object how to print it is no global.
    const text = outputFiles[0]!.text.replaceAll("Deno.customInspect", "");
    assert.doesNotMatch(text, /\bDeno\.|\bBun\.|from "node:|require\("(?:node:)?fs/, path);
  }
});
