import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const text = (path: string): Promise<string> =>
  readFile(new URL(`../../${path}`, import.meta.url), "utf8");

test("every test that docs/delivery.md names exists", async () => {
  const page = await text("docs/delivery.md");
  const suites = (await readdir(new URL("../../testing/", import.meta.url)))
    .filter((name) => name.startsWith("_bus_"));
  const suite = (await Promise.all(suites.map((name) => text(`testing/${name}`)))).join("\n");
  let checked = 0;
  for (const cell of page.matchAll(/(`(\w+_test\.ts)`|_suite_): ([^|;]+)/g)) {
    const [, , file, names] = cell;
    const source = file === undefined ? suite : await text(`tests/bus/${file}`);
    for (const name of names!.split("…").map((part) => part.replace(/^[,\s]+|\s+$/g, ""))) {
      if (name === "") continue;
      assert.ok(source.includes(name), `${file ?? "the suite"} has no test '${name}'`);
      checked++;
    }
  }
  assert.ok(checked > 40, `${checked} names`);
});
