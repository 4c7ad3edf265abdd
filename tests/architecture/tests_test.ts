import assert from "node:assert/strict";
import test from "node:test";
import { caught, readProject } from "./_project.ts";
import { noTestIsLeftOut, testNamesAreUnique, testsAreFlat, testsAreOfNode } from "./_tests.ts";

const planted = (text: string): Record<string, string> => ({
  "tests/bus/planted_test.ts": `import { test } from "node:test";\n${text}`,
});

test("Tests are flat", () => {
  assert.deepEqual(testsAreFlat(readProject()), []);
});

test("testsAreFlat() catches groups and hooks", () => {
  const text = `import { describe, beforeEach } from "node:test";`;
  assert.equal(caught(testsAreFlat, planted(text)).length, 2);
});

test("Tests are of node:test", () => {
  assert.deepEqual(testsAreOfNode(readProject()), []);
});

test("testsAreOfNode() catches a test of one runtime", () => {
  const plants = { "tests/bus/planted_test.ts": `Deno.test("x", () => {});` };
  assert.equal(caught(testsAreOfNode, plants).length, 1);
});

test("No test is left out", () => {
  assert.deepEqual(noTestIsLeftOut(readProject()), []);
});

for (
  const text of [
    `test.only("x", () => {});`,
    `test.skip("x", () => {});`,
    `test("x", { skip: true }, () => {});`,
    `test("x", { only: true }, () => {});`,
    `test("x", { todo: true }, () => {});`,
  ]
) {
  test(`noTestIsLeftOut() catches ${text}`, () => {
    assert.equal(caught(noTestIsLeftOut, planted(text)).length, 1);
  });
}

test("Test names are unique in their file", () => {
  assert.deepEqual(testNamesAreUnique(readProject()), []);
});

test("testNamesAreUnique() catches a name that is given twice", () => {
  const text = `test("x", () => {});\ntest("x", () => {});`;
  assert.equal(caught(testNamesAreUnique, planted(text)).length, 1);
});
