import assert from "node:assert/strict";
import test from "node:test";
import { caught, readProject } from "./_project.ts";
import {
  entryFilesOnlyReExport,
  exportedFunctionsAreDeclared,
  filesAreShort,
  medianInBudget,
  medianLines,
  namesAreSnakeCase,
  noForbiddenConstructs,
  signaturesAreShort,
} from "./_shape.ts";

const bus = (text: string): Record<string, string> => ({ "bus/planted.ts": text });

test("No source file has over 300 lines without a reason, and none over 500", () => {
  assert.deepEqual(filesAreShort(readProject()), []);
});

test("filesAreShort() catches a file of 301 lines", () => {
  const plants = bus("// line\n".repeat(301));
  assert.deepEqual(caught(filesAreShort, plants), ["bus/planted.ts has 301 lines"]);
});

test("The median source file has at most 130 lines", () => {
  assert.deepEqual(medianInBudget(readProject()), [], `median: ${medianLines(readProject())}`);
});

test("medianInBudget() catches a project of long files", () => {
  const plants = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`bus/planted_${i}.ts`, "// line\n".repeat(131)]),
  );
  assert.deepEqual(caught(medianInBudget, plants), ["the median is 131 lines"]);
});

test("File names are snake_case", () => {
  assert.deepEqual(namesAreSnakeCase(readProject()), []);
});

test("namesAreSnakeCase() catches kebab-case and camelCase", () => {
  const plants = { "bus/dead-letter.ts": "", "bus/deadLetter.ts": "", "bus/dead_letter.ts": "" };
  assert.equal(caught(namesAreSnakeCase, plants).length, 2);
});

test("No default exports, enums, decorators, any or CommonJS", () => {
  assert.deepEqual(noForbiddenConstructs(readProject()), []);
});

for (
  const [what, text] of Object.entries({
    "a default export": "export default 1;",
    "a default function": "export default function f(): void {}",
    "a default by name": "const x = 1; export { x as default };",
    "an enum": "export enum A { X }",
    "a namespace": "declare global { const x: number; }",
    "a decorator": "@log\nexport class A {}",
    "any": "export function f(x: any): void {}",
    "the private keyword": "export class A { private x = 1; }",
    "a parameter property": "export class A { constructor(readonly x: number) {} }",
    "CommonJS exports": "module.exports = 1;",
    "a CommonJS import": `import fs = require("fs");`,
    "a var": "var x = 1;",
  })
) {
  test(`noForbiddenConstructs() catches ${what}`, () => {
    assert.equal(caught(noForbiddenConstructs, bus(text)).length, 1);
  });
}

test("Exported functions are declared as functions", () => {
  assert.deepEqual(exportedFunctionsAreDeclared(readProject()), []);
});

test("exportedFunctionsAreDeclared() catches an arrow", () => {
  assert.equal(caught(exportedFunctionsAreDeclared, bus("export const f = () => 1;")).length, 1);
});

test("A public function or method takes two arguments and an options bag at most", () => {
  assert.deepEqual(signaturesAreShort(readProject()), []);
});

for (
  const [what, text] of Object.entries({
    "function": "export function F(a: 1, b: 1, c: 1, d: 1): void {}\nvoid F;",
    "interface's method": "export interface F { f(a: 1, b: 1, c: 1, d: 1): void; }",
    "interface's function": "export interface F { readonly f: (a: 1, b: 1, c: 1, d: 1) => void; }",
    "class's method": "export class F { f(a: 1, b: 1, c: 1, d: 1): void {} }",
    "constructor": "export class F { constructor(a: 1, b: 1, c: 1, d: 1) {} }",
  })
) {
  test(`signaturesAreShort() catches a public ${what} of four arguments`, () => {
    const entry = `${readProject().get("core/mod.ts")}\nexport { F } from "./planted.ts";`;
    const plants = { "core/mod.ts": entry, "core/planted.ts": text };
    assert.equal(caught(signaturesAreShort, plants).length, 1);
  });
}

test("signaturesAreShort() leaves what is not public alone", () => {
  const plants = { "core/planted.ts": "export interface F { f(a: 1, b: 1, c: 1, d: 1): void; }" };
  assert.deepEqual(caught(signaturesAreShort, plants), []);
});

test("mod.ts files re-export and do nothing else", () => {
  assert.deepEqual(entryFilesOnlyReExport(readProject()), []);
});

test("entryFilesOnlyReExport() catches code and a missing module text", () => {
  const plants = { "bus/mod.ts": "export const x = 1;" };
  assert.equal(caught(entryFilesOnlyReExport, plants).length, 2);
});
