import assert from "node:assert/strict";
import test from "node:test";
import {
  dependenciesAreListed,
  driversAreComplete,
  driversAreNamedNowhereElse,
  exportsEqualFiles,
  importsAreDeclared,
  noInstallScripts,
  oneManifest,
  testsMirrorSources,
  versionsArePinned,
} from "./_entries.ts";
import { caught, readProject } from "./_project.ts";

function manifest(change: (json: Record<string, Record<string, unknown>>) => void) {
  const json = JSON.parse(readProject().get("deno.json")!);
  change(json);
  return { "deno.json": JSON.stringify(json) };
}

test("deno.json exports each module, driver and contract package once", () => {
  assert.deepEqual(exportsEqualFiles(readProject()), []);
});

test("exportsEqualFiles() catches a driver without an entry point", () => {
  assert.deepEqual(caught(exportsEqualFiles, { "bus/drivers/planted.ts": "" }), [
    "deno.json does not export ./bus/planted as bus/drivers/planted.ts",
  ]);
});

test("exportsEqualFiles() catches an entry point into a module's inside", () => {
  const plants = manifest((json) => json.exports!["./core/clock"] = "./core/clock.ts");
  assert.equal(caught(exportsEqualFiles, plants).length, 1);
});

test("deno.json and deno.lock are the only manifest and lock", () => {
  assert.deepEqual(oneManifest(readProject()), []);
});

for (const path of ["package.json", "tsconfig.json", "jsr.json", "bus/package.json", "bun.lock"]) {
  test(`oneManifest() catches ${path}`, () => {
    assert.deepEqual(caught(oneManifest, { [path]: "{}" }), [
      `${path} is a second manifest or lock`,
    ]);
  });
}

test("Imports name one exact version and the lock is frozen", () => {
  assert.deepEqual(versionsArePinned(readProject()), []);
});

for (const target of ["npm:jose@^6.2.17", "npm:jose@6", "npm:jose", "jsr:@panva/jose@6.2.17"]) {
  test(`versionsArePinned() catches ${target}`, () => {
    const plants = manifest((json) => json.imports!["jose"] = target);
    assert.equal(caught(versionsArePinned, plants).length, 1);
  });
}

test("versionsArePinned() catches a lock that is not frozen", () => {
  const plants = manifest((json) => json.lock = { path: "./deno.lock", frozen: false });
  assert.deepEqual(caught(versionsArePinned, plants), ["no frozen lock"]);
});

test("Every dependency is in the list, and nothing else is", () => {
  assert.deepEqual(dependenciesAreListed(readProject()), []);
});

test("dependenciesAreListed() catches one that comes in unseen and one that is gone", () => {
  const plants = manifest((json) => {
    json.imports!["left-pad"] = "npm:left-pad@1.3.0";
    delete json.imports!["jose"];
  });
  assert.equal(caught(dependenciesAreListed, plants).length, 2);
});

test("What the library imports is a dependency of the right kind", () => {
  assert.deepEqual(importsAreDeclared(readProject()), []);
});

test("importsAreDeclared() catches a package that deno.json does not have", () => {
  const plants = { "bus/drivers/planted.ts": `import "left-pad";` };
  assert.equal(caught(importsAreDeclared, plants).length, 1);
});

test("importsAreDeclared() catches a development package in a driver", () => {
  const plants = { "bus/drivers/planted.ts": `import "fast-check";` };
  assert.equal(caught(importsAreDeclared, plants).length, 1);
});

test("No dependency needs an install script", () => {
  assert.deepEqual(noInstallScripts(readProject()), []);
});

test("noInstallScripts() catches one that has", () => {
  const lock = { npm: { "@scope/native@1.0.0": { scripts: true } } };
  assert.deepEqual(caught(noInstallScripts, { "deno.lock": JSON.stringify(lock) }), [
    "@scope/native has an install script",
  ]);
});

test("A driver has an entry point, a test, a docs page, a preset line and a changelog line", () => {
  assert.deepEqual(driversAreComplete(readProject()), []);
});

test("driversAreComplete() catches a driver that has nothing", () => {
  assert.equal(caught(driversAreComplete, { "bus/drivers/planted.ts": "" }).length, 4);
});

test("Outside presets and tests nothing names a driver's file", () => {
  assert.deepEqual(driversAreNamedNowhereElse(readProject()), []);
});

test("driversAreNamedNowhereElse() catches a tool that does", () => {
  const plants = {
    "bus/drivers/planted.ts": "",
    "tools/planted.ts": `const x = "bus/drivers/planted.ts";`,
  };
  assert.deepEqual(caught(driversAreNamedNowhereElse, plants), [
    "tools/planted.ts names bus/drivers/planted.ts",
  ]);
});

test("tests/ mirrors the source tree", () => {
  assert.deepEqual(testsMirrorSources(readProject()), []);
});

test("testsMirrorSources() catches a folder that stands for no module", () => {
  assert.deepEqual(caught(testsMirrorSources, { "tests/planted/a_test.ts": "" }), [
    "tests/planted stands for no module",
  ]);
});
