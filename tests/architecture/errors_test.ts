import assert from "node:assert/strict";
import test from "node:test";
import { codesAreUsed, messagesAreWellFormed, nothingSwallowed, oneErrorClass } from "./_errors.ts";
import { caught, readProject } from "./_project.ts";

const bus = (text: string): Record<string, string> => ({ "bus/planted.ts": text });
const message = (text: string): Record<string, string> =>
  bus(`throw new CqiError("CQI_INTERNAL", ${text});`);

test("Each error code is thrown somewhere", () => {
  assert.deepEqual(codesAreUsed(readProject()), []);
});

test("codesAreUsed() catches a code that nothing throws", () => {
  const text = readProject().get("errors/codes.ts") ?? "";
  const plants = { "errors/codes.ts": `${text}\n// "CQI_PLANTED_CODE"` };
  assert.deepEqual(caught(codesAreUsed, plants), ["CQI_PLANTED_CODE is thrown nowhere"]);
});

test("Every error is a CqiError", () => {
  assert.deepEqual(oneErrorClass(readProject()), []);
});

for (const text of [`new Error("x")`, `TypeError("x")`, `new DOMException("x", "AbortError")`]) {
  test(`oneErrorClass() catches ${text}`, () => {
    assert.equal(caught(oneErrorClass, bus(`throw ${text};`)).length, 1);
  });
}

for (
  const text of [
    `throw "x";`,
    "throw `no ${x}`;",
    `throw { code: 1 };`,
    `export const x = Promise.reject("x");`,
    `export class BusError extends Error {}`,
    `export class BusError extends CqiError {}`,
    `const Failure = TypeError;\nexport { Failure };`,
  ]
) {
  test(`oneErrorClass() catches ${JSON.stringify(text)}`, () => {
    assert.equal(caught(oneErrorClass, bus(text)).length, 1);
  });
}

test("oneErrorClass() catches a class of errors in a driver", () => {
  const plants = { "bus/drivers/planted.ts": "export class KafkaError extends Error {}" };
  assert.equal(caught(oneErrorClass, plants).length, 1);
});

test("oneErrorClass() accepts what was caught and the reason of a signal", () => {
  const text = "export function f(s: AbortSignal, e: unknown): void {\n" +
    "  if (s.aborted) throw s.reason;\n  throw e;\n}";
  assert.deepEqual(caught(oneErrorClass, bus(text)), []);
});

test("Nothing is swallowed without a reason", () => {
  assert.deepEqual(nothingSwallowed(readProject()), []);
});

for (
  const text of [
    "try { f(); } catch {}",
    "export function g(): number { try { return f(); } catch { return 0; } }",
    "export function g(): boolean { try { return f(); } catch (error) { return false; } }",
    "for (const x of [1]) { try { f(x); } catch { continue; } }",
    "f().catch(() => {});",
    "export const x = f().catch(() => undefined);",
    "f().catch(function () { return 0; });",
    "f().then(g, () => {});",
  ]
) {
  test(`nothingSwallowed() catches ${JSON.stringify(text)}`, () => {
    assert.equal(caught(nothingSwallowed, bus(text)).length, 1);
  });
}

for (
  const text of [
    "f().catch((error) => log(error));",
    "export const x = f().catch((error) => error);",
    "export function g(): unknown { try { return f(); } catch (error) { return error; } }",
    "try { f(); } catch { dropped += 1; }",
    "// Who waits for it hears of it.\nf().catch(() => {});",
  ]
) {
  test(`nothingSwallowed() accepts ${JSON.stringify(text)}`, () => {
    assert.deepEqual(caught(nothingSwallowed, bus(text)), []);
  });
}

test("nothingSwallowed() accepts one that says why", () => {
  const text = "try { f(); } catch {\n  // The caller has had an answer.\n}";
  assert.deepEqual(caught(nothingSwallowed, bus(text)), []);
});

test("Messages start big, end without a full stop, and are whole words", () => {
  assert.deepEqual(messagesAreWellFormed(readProject()), []);
});

for (
  const [fault, text] of Object.entries({
    "starts small": `"cannot open the bus"`,
    "ends with a full stop": `"Cannot open the bus."`,
    "has a contraction": "`Cannot open ${name}: it isn't known`",
  })
) {
  test(`messagesAreWellFormed() catches a message that ${fault}`, () => {
    assert.deepEqual(caught(messagesAreWellFormed, message(text)), [
      `bus/planted.ts:1 has a message that ${fault}`,
    ]);
  });
}

test("messagesAreWellFormed() reads a message made of parts", () => {
  const text = `"Cannot open the bus: " + \`driver '\${name}' isn't known\` + "."`;
  assert.equal(caught(messagesAreWellFormed, message(text)).length, 2);
});

test("messagesAreWellFormed() accepts quoted values", () => {
  const text = "`Cannot open driver '${name}': it is not 'memory'`";
  assert.deepEqual(caught(messagesAreWellFormed, message(text)), []);
});
