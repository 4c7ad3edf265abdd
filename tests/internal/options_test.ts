import assert from "node:assert/strict";
import { test } from "node:test";
import {
  refuse,
  requireInteger,
  requireNumber,
  requireOneOf,
  requireSection,
  shapeOf,
} from "../../internal/options.ts";

const SHAPES: readonly (readonly [unknown, string])[] = [
  [null, "null"],
  [undefined, "of type undefined"],
  [true, "true"],
  [-0.5, "-0.5"],
  [NaN, "NaN"],
  [7n, "7n"],
  ["hunter2", "a string of 7 characters"],
  ["", "a string of 0 characters"],
  [["hunter2"], "an array of 1"],
  [{ password: "hunter2" }, "an object"],
  [new Map([["hunter2", 1]]), "an object"],
  [() => "hunter2", "of type function"],
  [Symbol("hunter2"), "of type symbol"],
];

for (const [value, shape] of SHAPES) {
  test(`shapeOf() says ${shape}`, () => {
    assert.equal(shapeOf(value), shape);
  });
}

test("requireSection() gives an object back and names the area of anything else", () => {
  const section = { driver: "memory" };
  assert.equal(requireSection("bus", section), section);
  assert.throws(() => requireSection("bus", "hunter2"), {
    code: "CQI_OPTION_INVALID",
    message: "Cannot open bus: its section must be an object, " +
      "current value is a string of 7 characters",
  });
});

test("refuse() names option, shape and what is wanted, for people and for programs", () => {
  assert.throws(() => refuse("retries", "many", "a whole number"), {
    code: "CQI_OPTION_INVALID",
    message: "Cannot use option 'retries': it must be a whole number, " +
      "current value is a string of 4 characters",
    details: { option: "retries", wanted: "a whole number" },
  });
});

test("requireInteger() takes whole numbers within bounds, both included", () => {
  for (const value of [1, 5, 10]) assert.equal(requireInteger("n", value, 1, 10), value);
});

test("requireInteger() refuses all else", () => {
  const wrong: unknown[] = [
    0,
    11,
    1.5,
    NaN,
    Infinity,
    "5",
    5n,
    null,
    undefined,
    [5],
    new Number(5),
  ];
  for (const value of wrong) {
    assert.throws(() => requireInteger("n", value as number, 1, 10), {
      code: "CQI_OPTION_INVALID",
      message: `Cannot use option 'n': it must be a whole number from 1 to 10, ` +
        `current value is ${shapeOf(value)}`,
    });
  }
});

test("requireNumber() takes numbers within bounds, both included", () => {
  for (const value of [0, 0.5, 1]) assert.equal(requireNumber("share", value, 0, 1), value);
});

test("requireNumber() refuses all else", () => {
  for (const value of [-0.1, 1.1, NaN, Infinity, "0.5", null, undefined]) {
    assert.throws(() => requireNumber("share", value as number, 0, 1), {
      code: "CQI_OPTION_INVALID",
      message: `Cannot use option 'share': it must be a number from 0 to 1, ` +
        `current value is ${shapeOf(value)}`,
    });
  }
});

test("requireOneOf() takes a word of the list, and lists them otherwise", () => {
  assert.equal(requireOneOf("mode", "fast", ["fast", "safe"]), "fast");
  for (const value of ["FAST", "", "constructor", "fast "]) {
    assert.throws(() => requireOneOf("mode", value, ["fast", "safe"]), {
      code: "CQI_OPTION_INVALID",
      message: `Cannot use option 'mode': it must be one of 'fast', 'safe', ` +
        `current value is a string of ${value.length} characters`,
    });
  }
});
