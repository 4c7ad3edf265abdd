import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import {
  docLint,
  entriesHaveExamples,
  examplesAssert,
  examplesRun,
  linksExist,
  namedSubpathsExist,
  noMachinePaths,
  pages,
  publishDryRun,
  runExamples,
} from "./_docs.ts";
import { entriesOf } from "./_manifest.ts";
import { caught, libraryFiles, readProject } from "./_project.ts";

const read = (path: string): string => readFileSync(path, "utf8");

async function withFile<T>(
  name: string,
  text: string,
  fn: (path: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "cqi-planted-"));
  try {
    writeFileSync(join(folder, name), text);
    return await fn(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A package of the errors module alone, with what is planted. */
async function withPackage<T>(
  plants: Readonly<Record<string, string>>,
  fn: (root: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "cqi-copy-"));
  const manifest = JSON.parse(readProject().get("deno.json")!);
  const json = { ...manifest, exports: { ".": "./errors/mod.ts" }, imports: {}, lock: false };
  try {
    mkdirSync(join(folder, "errors"));
    for (const [path, text] of libraryFiles(readProject())) {
      if (path.startsWith("errors/")) writeFileSync(join(folder, path), text);
    }
    writeFileSync(join(folder, "deno.json"), JSON.stringify(json));
    for (const [path, text] of Object.entries(plants)) writeFileSync(join(folder, path), text);
    return await fn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("Every export of every entry point is documented and names public types", async () => {
  const files = readProject();
  const entries = [...entriesOf(files).values()].filter((path) => files.has(path));
  assert.deepEqual(await docLint(entries, read), []);
});

for (
  const [what, text] of Object.entries({
    "an export without a comment": "/** @module */\nexport const x: number = 1;",
    "a third party's type in a signature":
      `/** @module */\nimport type { Registry } from "prom-client";\n/** Lists. */\n` +
      `export function list(registry: Registry): number { return registry.getMetricsAsArray().length; }`,
    "a private type in a signature":
      "/** @module */\ninterface Hidden { x: number }\n/** Gives. */\n" +
      "export function give(): Hidden { return { x: 1 }; }",
  })
) {
  test(`docLint() catches ${what}`, async () => {
    const found = await withFile("planted.ts", text, (path) => docLint([path], read));
    assert.equal(found.length, 1, found.join("\n"));
  });
}

test("docLint() accepts messages and descriptors in signatures", async () => {
  const text =
    `/** @module */\nimport type { Message } from "@bufbuild/protobuf";\n/** Takes. */\n` +
    `export function take(message: Message): string { return message.$typeName; }`;
  assert.deepEqual(await withFile("planted.ts", text, (path) => docLint([path], read)), []);
});

test("The package could be published to JSR: it type-checks and has no slow types", async () => {
  const { outcome } = await publishDryRun();
  assert.ok(outcome.ok, outcome.text.slice(-4000));
});

test("publishDryRun() accepts a package without slow types", async () => {
  const { outcome, files } = await withPackage({}, publishDryRun);
  assert.ok(outcome.ok, outcome.text);
  assert.ok(files.includes("errors/mod.ts"), files.join());
});

test("publishDryRun() catches a slow type", async () => {
  const text = readProject().get("errors/mod.ts") ?? "";
  const plants = {
    "errors/mod.ts": `${text}\nexport * from "./planted.ts";`,
    "errors/planted.ts": "/** Slow. */\nexport function slow(x: number) { return { x }; }",
  };
  const { outcome } = await withPackage(plants, publishDryRun);
  assert.equal(outcome.ok, false);
  assert.match(outcome.text, /errors\/planted\.ts/);
});

test("Examples in comments assert something", () => {
  assert.deepEqual(examplesAssert(readProject()), []);
});

test("examplesAssert() catches one that does not", () => {
  const text =
    "/**\n * Adds.\n *\n * ```ts\n * console.log(1 + 1);\n * ```\n */\nexport const x = 1;";
  assert.deepEqual(caught(examplesAssert, { "bus/planted.ts": text }), [
    "bus/planted.ts:4 asserts nothing",
  ]);
});

test("No example is kept from running", () => {
  assert.deepEqual(examplesRun(readProject()), []);
});

test("examplesRun() catches a block that is marked to be ignored", () => {
  const plants = { "docs/planted.md": "```ts ignore\nbroken\n```\n" };
  assert.deepEqual(caught(examplesRun, plants), ["docs/planted.md:1 is marked 'ts ignore'"]);
});

test("Each module's text has an example", () => {
  assert.deepEqual(entriesHaveExamples(readProject()), []);
});

test("entriesHaveExamples() catches a module without", () => {
  const plants = { "errors/mod.ts": `/**\n * Errors.\n *\n * @module\n */\nexport {};` };
  assert.deepEqual(caught(entriesHaveExamples, plants), ["errors/mod.ts has no example"]);
});

test("Every subpath that a page or a comment names exists", () => {
  assert.deepEqual(namedSubpathsExist(readProject()), []);
});

test("namedSubpathsExist() catches one that does not", () => {
  assert.equal(caught(namedSubpathsExist, { "docs/planted.md": "See `@cq/cqi/nope`." }).length, 1);
});

test("namedSubpathsExist() takes the path of a file among the installed packages for no import", () => {
  const path = "./node_modules/@cq/cqi/gen/jsonschema/cqi_config.json";
  assert.deepEqual(caught(namedSubpathsExist, { "docs/planted.md": `See ${path}.` }), []);
});

test("Every relative link of a page points to something that exists", () => {
  assert.deepEqual(linksExist(readProject()), []);
});

for (
  const text of [
    "[a](nope.md)",
    "[a](../bus/nope/)",
    '![a](nope.png "A")',
    "[a]: ./nope.md",
    "[a](#nope)",
    "[a](contracts.md#nope)",
    "[a](/docs/nope.md)",
  ]
) {
  test(`linksExist() catches ${text}`, () => {
    assert.equal(caught(linksExist, { "docs/planted.md": `# A\n\n${text}\n` }).length, 1);
  });
}

test("linksExist() accepts pages, folders, headings, other sites and code", () => {
  const text =
    "# A & b\n\n[a](contracts.md) [b](../bus/) [c](#a--b) [d](https://x.test/y) `[e](z)`\n";
  assert.deepEqual(caught(linksExist, { "docs/planted.md": text }), []);
});

test("No page or source names a path of one machine", () => {
  assert.deepEqual(noMachinePaths(readProject()), []);
});

for (
  const text of [
    "cd /workspace/cqi",
    "`/home/me/cqi`",
    "file:///Users/me/cqi",
    "C:\\cqi",
    "/tmp/out.txt",
    "http://localhost:4873/",
  ]
) {
  test(`noMachinePaths() catches ${text}`, () => {
    assert.equal(caught(noMachinePaths, { "docs/planted.md": text }).length, 1);
  });
}

test("noMachinePaths() leaves routes and relative paths alone", () => {
  const text = "GET /health/live, docs/home/plan.md, ./home/x, https://x.test/home/page";
  assert.deepEqual(caught(noMachinePaths, { "docs/planted.md": text }), []);
});

test("The examples in comments and pages run", async () => {
  const paths = [...libraryFiles(readProject()), ...pages(readProject())].map(([path]) => path);
  const { ok, text } = await runExamples(paths);
  assert.ok(ok, text.slice(-8000));
  assert.match(text, /^[1-9]\d+ examples, 0 failed$/m);
});

for (
  const [what, code] of Object.entries({
    "a failing assertion": `import assert from "node:assert/strict";\nassert.equal(1, 2);`,
    "a type error": "const x: string = 1;\nx;",
    "an import that does not exist": `import { nope } from "@cq/cqi/errors";\nnope;`,
  })
) {
  test(`runExamples() catches ${what}`, async () => {
    const page = `# Planted\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
    const { ok } = await withFile("planted.md", page, (path) => runExamples([path]));
    assert.equal(ok, false);
  });
}

test("runExamples() runs what is right", async () => {
  const code =
    `import { CqiError } from "@cq/cqi/errors";\nimport assert from "node:assert/strict";` +
    `\nassert.equal(typeof CqiError, "function");`;
  const page = `# Planted\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
  const { ok, text } = await withFile("planted.md", page, (path) => runExamples([path]));
  assert.ok(ok, text);
});
