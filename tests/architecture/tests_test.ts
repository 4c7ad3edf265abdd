import assert from "node:assert/strict";
import test from "node:test";
import { caught, readProject } from "./_project.ts";
import {
  noTestIsLeftOut,
  testNamesAreUnique,
  testsAreFlat,
  testsAreOfNode,
  testsAssert,
} from "./_tests.ts";

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
    `test("x", { todo: "later" }, () => {});`,
    `test("x", { skip: 1 > 0 }, () => {});`,
    `test("x", { skip: "" }, () => {});`,
    `test("x", { skip: isBun ? true : false }, () => {});`,
    `test("x", { skip }, () => {});`,
    `test("x", { "skip": isBun }, () => {});`,
    `test("x", (t) => t.skip());`,
    `test("x", (context) => { context.todo("later"); });`,
    `const only = test.only;`,
    `const t = test;\nt.only("x", () => {});`,
    `import { test as t } from "node:test";\nt.only("x", () => {});`,
    `import t from "node:test";\nt.skip("x", () => {});`,
    `import * as t from "node:test";\nt.test.skip("x", () => {});`,
  ]
) {
  test(`noTestIsLeftOut() catches ${text}`, () => {
    assert.equal(caught(noTestIsLeftOut, planted(text)).length, 1);
  });
}

test("noTestIsLeftOut() accepts a skip that gives its reason", () => {
  const text = `test("x", { skip: isBun ? "bun issue 1" : false }, () => {});`;
  assert.deepEqual(caught(noTestIsLeftOut, planted(text)), []);
});

test("noTestIsLeftOut() leaves a skip of something else alone", () => {
  const text = `test("x", (_t) => bus.subscribe(a, (_event, context) => context.skip("noise")));`;
  assert.deepEqual(caught(noTestIsLeftOut, planted(text)), []);
});

test("Each test asserts something", () => {
  assert.deepEqual(testsAssert(readProject()), []);
});

for (
  const text of [
    `test("x", () => {});`,
    `test("x", async () => { await run(); });`,
    `function run(): void {}\ntest("x", run);`,
    `import { test as t } from "node:test";\nt("x", () => { run(); });`,
  ]
) {
  test(`testsAssert() catches ${text}`, () => {
    assert.equal(caught(testsAssert, planted(text)).length, 1);
  });
}

for (
  const text of [
    `test("x", () => assert.ok(run()));`,
    `function check(): void { assert.ok(run()); }\ntest("x", () => check());`,
    `import { caught } from "../architecture/tests_test.ts";\ntest("x", () => assert.ok(caught));`,
    `test("x", () => {\n  // @ts-expect-error -- a key is text\n  set(1);\n});`,
  ]
) {
  test(`testsAssert() accepts ${text}`, () => {
    assert.deepEqual(caught(testsAssert, planted(text)), []);
  });
}

test("Test names are unique in their file", () => {
  assert.deepEqual(testNamesAreUnique(readProject()), []);
});

test("testNamesAreUnique() catches a name that is given twice", () => {
  const text = `test("x", () => {});\ntest("x", () => {});`;
  assert.equal(caught(testNamesAreUnique, planted(text)).length, 1);
});
