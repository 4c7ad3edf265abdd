import assert from "node:assert/strict";
import test from "node:test";
import { isNeutral, neutralFilesNameNoRuntime, noModuleState, oneClock } from "./_neutral.ts";
import { caught, readProject } from "./_project.ts";

const bus = (text: string): Record<string, string> => ({ "bus/planted.ts": text });

test("Neutral files name nothing of a runtime", () => {
  assert.deepEqual(neutralFilesNameNoRuntime(readProject()), []);
});

for (
  const [what, text] of Object.entries({
    "Deno": `export const x = Deno.env.get("HOME");`,
    "process": `export const x = process.env.HOME;`,
    "process of globalThis": `export const x = (globalThis as { process?: object }).process;`,
    "Bun of globalThis by a string": `export const x = (globalThis as { Bun?: object })["Bun"];`,
    "process of the global object under another name":
      `const g = globalThis as { process?: object };\nexport const x = g.process;`,
    "process taken out of globalThis": `export const { process: x } = globalThis as never;`,
    "process of globalThis by a made-up name": "export const x = (globalThis as never)[`${name}`];",
    "process of self": `export const x = (self as { process?: object }).process;`,
    "globalThis handed on": `export const x = read(globalThis);`,
    "Buffer as a value": `export const x = [Buffer];`,
    "typeof Bun": `export const x = typeof Bun === "undefined";`,
    "node:fs": `import { readFileSync } from "node:fs";`,
    "a lazy node:fs": `export const x = () => import("node:fs");`,
    "the type of a node module": `import type { Stats } from "node:fs";`,
  })
) {
  test(`neutralFilesNameNoRuntime() catches ${what}`, () => {
    assert.equal(caught(neutralFilesNameNoRuntime, bus(text)).length, 1);
  });
}

test("neutralFilesNameNoRuntime() leaves members, comments and strings alone", () => {
  const text =
    `// Deno\nexport const x = { process: 1, f: (e: { process(): void }) => e.process() };` +
    `\nexport const y = "node:fs Buffer";`;
  assert.deepEqual(caught(neutralFilesNameNoRuntime, bus(text)), []);
});

test("neutralFilesNameNoRuntime() leaves a variable of the same name alone", () => {
  const text = `export function f(process: () => void): void { process(); }`;
  assert.deepEqual(caught(neutralFilesNameNoRuntime, bus(text)), []);
});

test("isNeutral() knows where a runtime may be named", () => {
  const paths = ["bus/bus.ts", "bus/drivers/kafka.ts", "internal/ids.ts", "service/serve.ts"];
  assert.deepEqual(paths.map(isNeutral), [true, false, true, false]);
});

test("Time and randomness come from the injected clock and random", () => {
  assert.deepEqual(oneClock(readProject()), []);
});

for (
  const text of [
    `Date.now()`,
    `new Date()`,
    `performance.now()`,
    `Math.random()`,
    `crypto.randomUUID()`,
    `AbortSignal.timeout(5)`,
    `setTimeout(() => {}, 5)`,
    `globalThis.setInterval(() => {}, 5)`,
    `[setTimeout]`,
    `Date()`,
    `globalThis.Date.now()`,
    `new globalThis.Date()`,
    `Date["now"]()`,
    `Date[name]()`,
    `[1].map(Date)`,
    `read(Math)`,
    `(crypto as Crypto).randomUUID()`,
  ]
) {
  test(`oneClock() catches ${text}`, () => {
    assert.equal(caught(oneClock, bus(`export const x = ${text};`)).length, 1);
  });
}

for (
  const text of [
    `const D = Date;\nexport const x = () => D.now();`,
    `const { now } = Date;\nexport const x = () => now();`,
    `const { random: draw } = Math;\nexport const x = () => draw();`,
    `const { setTimeout } = globalThis;\nexport const x = () => setTimeout;`,
    `const { Date: D } = globalThis;\nexport const x = () => new D();`,
    `const { ...all } = Math;\nexport const x = all;`,
    `const g = globalThis;\nexport const x = () => g.Date.now();`,
  ]
) {
  test(`oneClock() catches ${JSON.stringify(text)}`, () => {
    assert.notDeepEqual(caught(oneClock, bus(text)), []);
  });
}

test("oneClock() leaves types, checks and other members alone", () => {
  const text = `export const x = (d: Date | Crypto): boolean => d instanceof Date;\n` +
    `export const y = [Math.max(1, 2), Date.UTC(2026), typeof performance, crypto.subtle];`;
  assert.deepEqual(caught(oneClock, bus(text)), []);
});

test("oneClock() leaves dates of given times and a clock's members alone", () => {
  const text = `export const x = (clock: { now(): number }) => new Date(clock.now());`;
  assert.deepEqual(caught(oneClock, bus(text)), []);
});

test("Modules hold no state", () => {
  assert.deepEqual(noModuleState(readProject()), []);
});

for (
  const text of [
    "let x = 0;\nexport const f = () => x++;",
    "const seen = new Map<string, number>();",
    "const list: string[] = [];",
    "const names: Record<string, number> = {};",
    "const state = { n: 0 };\nexport function f(): void { state.n += 1; }",
    "const state = { n: 0 };\nexport function f(): void { state.n++; }",
    "const seen = new Set([1]);\nexport function f(): void { seen.add(2); }",
    "const state = [0];\nexport function f(): void { delete state[0]; }",
    "export class A { static count = 0; }",
  ]
) {
  test(`noModuleState() catches ${JSON.stringify(text)}`, () => {
    assert.equal(caught(noModuleState, bus(text)).length, 1);
  });
}

test("noModuleState() accepts constants and readonly tables", () => {
  const text = `const A: ReadonlySet<string> = new Set(["a"]);\nconst B = ["a"];\n` +
    `const C: Readonly<Record<string, number>> = {};\nexport const D = [A, B, C];`;
  assert.deepEqual(caught(noModuleState, bus(text)), []);
});
