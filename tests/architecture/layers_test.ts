import assert from "node:assert/strict";
import test from "node:test";
import {
  dynamicImportsAreLiteral,
  importsExist,
  importsPointDown,
  modulesHaveLayers,
  noCycles,
  onlyPresetsImportDrivers,
  onlyPublicDoors,
  privateFilesStayPrivate,
} from "./_layers.ts";
import { caught, readProject } from "./_project.ts";

test("Imports point down the layers and never to a sibling", () => {
  assert.deepEqual(importsPointDown(readProject()), []);
});

test("importsPointDown() catches an import that points up", () => {
  const plants = { "core/planted.ts": `import type { Bus } from "../bus/mod.ts";` };
  assert.deepEqual(caught(importsPointDown, plants), [
    "core/planted.ts:1 imports bus/mod.ts, which is not in a layer below",
  ]);
});

test("importsPointDown() catches an import of a sibling", () => {
  const plants = { "bus/planted.ts": `export * from "../cache/mod.ts";` };
  assert.equal(caught(importsPointDown, plants).length, 1);
});

test("importsPointDown() catches a lazy import that points up", () => {
  assert.equal(
    caught(importsPointDown, {
      "core/planted.ts": `export const x = () => import("../bus/mod.ts");`,
    }).length,
    1,
  );
});

test("importsPointDown() catches an import of the tests", () => {
  assert.equal(
    caught(importsPointDown, { "bus/planted.ts": `import "../tests/helper.ts";` }).length,
    1,
  );
});

test("Every module has a layer", () => {
  assert.deepEqual(modulesHaveLayers(readProject()), []);
});

test("modulesHaveLayers() catches a new folder", () => {
  const plants = { "utils/planted.ts": "export const x = 1;" };
  assert.deepEqual(caught(modulesHaveLayers, plants), ["utils/planted.ts is in no layer"]);
});

test("No file imports itself over others", () => {
  assert.deepEqual(noCycles(readProject()), []);
});

test("noCycles() catches two files that import each other", () => {
  const plants = {
    "core/planted_a.ts": `import "./planted_b.ts";`,
    "core/planted_b.ts": `import "./planted_a.ts";`,
  };
  assert.equal(caught(noCycles, plants).length, 1);
});

test("Across modules only mod.ts is imported, or types.ts for types", () => {
  assert.deepEqual(onlyPublicDoors(readProject()), []);
});

test("onlyPublicDoors() catches an import of another module's inside", () => {
  assert.equal(
    caught(onlyPublicDoors, { "bus/planted.ts": `import { sleep } from "../core/clock.ts";` })
      .length,
    1,
  );
});

test("onlyPublicDoors() catches a value imported from types.ts", () => {
  assert.equal(
    caught(onlyPublicDoors, { "service/planted.ts": `import { Bus } from "../bus/types.ts";` })
      .length,
    1,
  );
});

test("onlyPublicDoors() accepts types of types.ts", () => {
  const plants = { "service/planted.ts": `import type { Bus } from "../bus/types.ts";` };
  assert.deepEqual(caught(onlyPublicDoors, plants), []);
});

test("A file named with an underscore is private to its folder", () => {
  assert.deepEqual(privateFilesStayPrivate(readProject()), []);
});

test("privateFilesStayPrivate() catches an import from another folder", () => {
  const plants = { "bus/drivers/planted.ts": `import "../_private.ts";` };
  assert.equal(caught(privateFilesStayPrivate, plants).length, 1);
});

test("Only presets import drivers, and lazily", () => {
  assert.deepEqual(onlyPresetsImportDrivers(readProject()), []);
});

test("onlyPresetsImportDrivers() catches a module that imports its own driver", () => {
  assert.equal(
    caught(onlyPresetsImportDrivers, {
      "bus/planted.ts": `export const d = import("./drivers/memory.ts");`,
    }).length,
    1,
  );
});

test("onlyPresetsImportDrivers() catches a preset that imports one at load", () => {
  assert.equal(
    caught(onlyPresetsImportDrivers, { "presets/planted.ts": `import "../bus/drivers/memory.ts";` })
      .length,
    1,
  );
});

test("onlyPresetsImportDrivers() catches a driver that imports another", () => {
  assert.equal(
    caught(onlyPresetsImportDrivers, { "bus/drivers/planted.ts": `import "./memory.ts";` }).length,
    1,
  );
});

test("Lazy imports are literal", () => {
  assert.deepEqual(dynamicImportsAreLiteral(readProject()), []);
});

test("dynamicImportsAreLiteral() catches a computed name", () => {
  assert.equal(
    caught(dynamicImportsAreLiteral, {
      "bus/planted.ts": "export const d = (n: string) => import(`./${n}.ts`);",
    }).length,
    1,
  );
});

test("Relative imports name files that exist", () => {
  assert.deepEqual(importsExist(readProject()), []);
});

test("importsExist() catches an import without its extension", () => {
  assert.equal(caught(importsExist, { "bus/planted.ts": `import "../core/mod";` }).length, 1);
});
