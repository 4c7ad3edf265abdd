import assert from "node:assert/strict";
import test from "node:test";
import { caught, readProject } from "./_project.ts";
import {
  closablesAreDisposable,
  driversDeclareAndAreTested,
  waitsCanBeStopped,
} from "./_resources.ts";

const bus = (text: string): Record<string, string> => ({ "bus/planted.ts": text });

test("What has close() is AsyncDisposable", () => {
  assert.deepEqual(closablesAreDisposable(readProject()), []);
});

for (
  const text of [
    "export interface A { close(): Promise<void>; }",
    "export class A { close(): Promise<void> { return Promise.resolve(); } }",
    "export interface A extends B { close(): Promise<void>; }\nexport interface B { x: 1 }",
  ]
) {
  test(`closablesAreDisposable() catches ${JSON.stringify(text)}`, () => {
    assert.equal(caught(closablesAreDisposable, bus(text)).length, 1);
  });
}

for (
  const text of [
    "export interface A extends AsyncDisposable { close(): Promise<void>; }",
    "export interface A { close(): Promise<void>; [Symbol.asyncDispose](): Promise<void>; }",
    "export interface A extends B { close(): Promise<void>; }\n" +
    "export interface B extends AsyncDisposable { x: 1 }",
  ]
) {
  test(`closablesAreDisposable() accepts ${JSON.stringify(text)}`, () => {
    assert.deepEqual(caught(closablesAreDisposable, bus(text)), []);
  });
}

test("What waits takes a signal", () => {
  assert.deepEqual(waitsCanBeStopped(readProject()), []);
});

for (
  const text of [
    "export interface A { read(): Promise<string>; }",
    "export interface A { read(options: Plain): AsyncIterable<string>; }\ninterface Plain { x: 1 }",
    "export async function read(path: string): Promise<string> { return await f(path); }",
  ]
) {
  test(`waitsCanBeStopped() catches ${JSON.stringify(text)}`, () => {
    assert.equal(caught(waitsCanBeStopped, bus(text)).length, 1);
  });
}

for (
  const text of [
    "export interface A { read(options?: WaitOptions): Promise<string>; }",
    "export interface A { read(o: Own): Promise<string>; }\ninterface Own extends WaitOptions {}",
    "export interface A { read(o: { signal?: AbortSignal }): Promise<string>; }",
    "export interface A { read(): string; close(): Promise<void>; }",
  ]
) {
  test(`waitsCanBeStopped() accepts ${JSON.stringify(text)}`, () => {
    assert.deepEqual(caught(waitsCanBeStopped, bus(text)), []);
  });
}

test("Drivers declare their features and are run by a contract test", () => {
  assert.deepEqual(driversDeclareAndAreTested(readProject()), []);
});

test("driversDeclareAndAreTested() catches a driver without features or test", () => {
  assert.deepEqual(caught(driversDeclareAndAreTested, { "bus/drivers/planted.ts": "" }), [
    "bus/drivers/planted.ts declares no features",
    "bus/drivers/planted.ts is run by no contract test",
  ]);
});

test("driversDeclareAndAreTested() leaves files beside drivers alone", () => {
  const plants = { "bus/drivers/_planted.ts": "" };
  assert.deepEqual(caught(driversDeclareAndAreTested, plants), []);
});
