import assert from "node:assert/strict";
import { dirname } from "node:path";
import test from "node:test";
import { emptyFolder, must, once, ROOT, run } from "./_kit.ts";

const manifest = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));

/** The files that would be published, in a folder of their own. */
const published = once(async () => {
  const { code, text } = await run(Deno.execPath(), ["publish", "--dry-run", "--allow-dirty"]);
  assert.equal(code, 0, text);
  const prefix = new URL(`file://${ROOT}`).href;
  const files = [...text.matchAll(/^\s+(file:\/\/\S+) \(.*\)$/gm)]
    .map((match) => decodeURIComponent(match[1]!.slice(prefix.length)));
  const folder = await emptyFolder();
  for (const path of files) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.copyFile(ROOT + path, `${folder}/${path}`);
  }
  return { folder, files };
});

/** A folder whose import map has the published files where JSR would have them. */
const consumer = once(async () => {
  const { folder } = await published();
  const imports: Record<string, string> = { ...manifest.imports };
  for (const [key, path] of Object.entries<string>(manifest.exports)) {
    imports[key.replace(".", "jsr:@cq/cqi")] = new URL(path, `file://${folder}/`).href;
  }
  const target = await emptyFolder();
  await Deno.writeTextFile(`${target}/deno.json`, JSON.stringify({ imports, lock: false }));
  return target;
});

test("The package for JSR has what it exports, README and LICENSE, and no tests or tools", async () => {
  const { files } = await published();
  for (const path of Object.values<string>(manifest.exports)) {
    assert.ok(files.includes(path.slice(2)), `${path} is not published`);
  }
  for (const path of ["README.md", "LICENSE", "deno.json"]) assert.ok(files.includes(path), path);
  const outside = files.filter((path) =>
    /^(?:tests|tools|examples|benchmarks|proto|node_modules|npm)/.test(path)
  );
  assert.deepEqual(outside, []);
});

test(`import { bus } from "jsr:@cq/cqi" publishes and handles an event`, async () => {
  const folder = await consumer();
  const text = await Deno.readTextFile(`${ROOT}tests/package/fixtures/publish.ts`);
  await Deno.writeTextFile(`${folder}/publish.ts`, text.replaceAll(`"@cq/cqi`, `"jsr:@cq/cqi`));
  const stdout = await must(Deno.execPath(), ["run", "-A", "--check", "publish.ts"], folder);
  assert.equal(stdout.trim(), "handled cqc.events.v1.RiskAlert");
});

test("Every entry point can be imported from the files for JSR", async () => {
  const folder = await consumer();
  const lines = Object.keys(manifest.exports).map((key) =>
    `console.log(Object.keys(await import("${key.replace(".", "jsr:@cq/cqi")}")).length > 0);`
  );
  await Deno.writeTextFile(`${folder}/all.ts`, lines.join("\n"));
  const stdout = await must(Deno.execPath(), ["run", "-A", "--no-check", "all.ts"], folder);
  assert.deepEqual(stdout.trim().split("\n"), lines.map(() => "true"));
});
