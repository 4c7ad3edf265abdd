import assert from "node:assert/strict";
import test from "node:test";
import { type DenoManifest, npmManifest } from "../../tools/npm_package/manifest.ts";
import { PACKAGES } from "../../tools/npm_package/packages.ts";
import { packagesOf, rewriteDeclarations, type Source } from "../../tools/npm_package/sources.ts";

const MANIFEST: DenoManifest = {
  version: "1.2.3",
  license: "MIT",
  exports: {
    ".": "./mod.ts",
    "./bus": "./bus/mod.ts",
    "./cqc/events/v1": "./gen/ts/cqc/events/v1/mod.ts",
  },
  imports: { "free": "npm:free@1.0.0", "@scope/client": "npm:@scope/client@2.3.4" },
};
const [CQI, CQC] = PACKAGES;

function source(path: string, text: string): Source {
  return { path, text };
}

test("packagesOf() reads static, lazy and type imports and leaves files and builtins out", () => {
  const text = `import "a";\nimport type { B } from "@s/b/sub";\nexport * from "c";\n` +
    `const d = () => import("d");\ntype E = import("e").E;\nimport "./f.ts";\nimport "node:fs";`;
  assert.deepEqual(packagesOf(source("x.ts", text)), ["a", "@s/b", "c", "d", "e"]);
});

test("packagesOf() is not misled by comments and strings", () => {
  assert.deepEqual(packagesOf(source("x.ts", `// import "a";\nconst b = 'import "b"';`)), []);
});

test("rewriteDeclarations() turns .ts of relative imports into .js", () => {
  const text = `import type { A } from "./a.ts";\nexport * from "../b/mod.ts";\n` +
    `export declare const c: import("./c.ts").C;\n`;
  assert.equal(rewriteDeclarations("x.d.ts", text), text.replaceAll(".ts", ".js"));
});

test("rewriteDeclarations() leaves packages and declaration files alone", () => {
  const text = `import type { A } from "package/a.ts";\nimport type { B } from "./b.d.ts";\n`;
  assert.equal(rewriteDeclarations("x.d.ts", text), text);
});

test("npmManifest() makes what drivers alone import an optional peer", () => {
  const json = npmManifest(MANIFEST, CQI!, [
    source("bus/mod.ts", `import "free";`),
    source("bus/drivers/kafka.ts", `import "@scope/client";\nimport "free";`),
  ]);
  assert.deepEqual(json.dependencies, { free: "^1.0.0" });
  assert.deepEqual(json.peerDependencies, { "@scope/client": "^2.3.4" });
  assert.deepEqual(json["peerDependenciesMeta"], { "@scope/client": { optional: true } });
});

test("npmManifest() refuses a package that deno.json does not name", () => {
  assert.throws(() => npmManifest(MANIFEST, CQI!, [source("a.ts", `import "b";`)]), /'b'/);
});

test("npmManifest() gives each entry point its code and its declaration", () => {
  assert.deepEqual(npmManifest(MANIFEST, CQI!, []).exports["./bus"], {
    types: "./bus/mod.d.ts",
    default: "./bus/mod.js",
  });
});

test("npmManifest() offers the contracts alone under their own names and version", () => {
  const json = npmManifest(MANIFEST, CQC!, []);
  assert.deepEqual(json.exports, {
    "./events/v1": { types: "./events/v1/mod.d.ts", default: "./events/v1/mod.js" },
  });
  assert.notEqual(json.version, "1.2.3");
});
