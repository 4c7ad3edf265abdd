import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CqiError } from "../../errors/mod.ts";
import { Secret } from "../../core/mod.ts";
import { OrderSchema, OrderSide } from "../../gen/ts/cqc/venues/v1/mod.ts";
import { ApiKeySchema } from "../../gen/ts/cqc/auth/v1/mod.ts";
import { entryOf, recorded } from "./_lines.ts";

// deno-lint-ignore no-explicit-any -- parsed JSON, looked at by the tests below
type Parsed = any;

async function logged(value: unknown): Promise<Parsed> {
  const { log, lines } = await recorded();
  log.info("m", { value });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0]!, /[\r\n\u2028\u2029]/);
  entryOf(lines[0]!);
  return (JSON.parse(lines[0]!).attributes ?? {}).value;
}

const samples: [name: string, value: unknown, expected: unknown][] = [
  ["bigint", 2n ** 63n, "9223372036854775808"],
  ["NaN", NaN, "NaN"],
  ["infinity", -Infinity, "-Infinity"],
  ["minus zero", -0, 0],
  ["null", null, null],
  ["boolean", false, false],
  ["undefined in an array", [undefined, 1], [null, 1]],
  ["undefined in an object", { a: undefined, b: 1 }, { b: 1 }],
  ["date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["bad date", new Date(NaN), "[no date]"],
  ["map", new Map<unknown, unknown>([["a", 1n], [{}, 2], [1, 3], ["1", 4]]), {
    a: "1",
    "[object]": 2,
    "1": 3,
  }],
  ["set", new Set([1, "b"]), [1, "b"]],
  ["headers", new Headers({ a: "1", authorization: "x" }), { a: "1", authorization: "[redacted]" }],
  [
    "url",
    new URL("https://u:p@h.example/x?token=abc&y=1"),
    "https://[redacted]@h.example/x?token=[redacted]&y=1",
  ],
  ["bytes", new Uint8Array(12), "[12 bytes]"],
  ["buffer", new ArrayBuffer(3), "[3 bytes]"],
  ["function", function named() {}, "[function named]"],
  ["symbol", Symbol("s"), "Symbol(s)"],
  ["regexp", /a"b/g, '/a"b/g'],
  ["secret", new Secret("hunter2"), "[redacted]"],
  ["toJSON", { toJSON: () => ({ a: 1n }) }, { a: "1" }],
  ["toJSON of nothing", { toJSON: () => undefined }, null],
  ["request", new Request("http://h/x?api_key=abc", { method: "POST" }), {
    method: "POST",
    url: "http://h/x?api_key=[redacted]",
  }],
  ["no prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["lone surrogate", "a\ud800b", "a\ud800b"],
  ["separators", "\u2028\u2029\u0085\x7f\0\x1b[31m", "\u2028\u2029\u0085\x7f\0\x1b[31m"],
  ["emoji", "\u{1f600}é", "\u{1f600}é"],
  ["quotes", 'a"b\\c', 'a"b\\c'],
];
for (const [name, value, expected] of samples) {
  test(`Logger writes ${name}`, async () => {
    assert.deepEqual(await logged(value), expected);
  });
}

test("Logger marks a cycle and goes on", async () => {
  const value: Record<string, unknown> = { a: 1 };
  value.self = value;
  value.list = [value];
  assert.deepEqual(await logged(value), { a: 1, self: "[cyclic]", list: ["[cyclic]"] });
});

test("Logger writes a value that occurs twice both times", async () => {
  const shared = { a: 1 };
  assert.deepEqual(await logged([shared, shared]), [{ a: 1 }, { a: 1 }]);
});

test("Logger cuts off what is too deep", async () => {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = { v: value };
  assert.match(JSON.stringify(await logged(value)), /too deep/);
});

test("Logger cuts off what has too many entries", async () => {
  const value = await logged(Array.from({ length: 1_000_000 }, (_, i) => i));
  assert.equal(value.length, 129);
  assert.equal(value[128], "[999872 more]");
  const keys = Object.keys(
    await logged(Object.fromEntries(value.map((_: unknown, i: number) => [`k${i}`, 1]))),
  );
  assert.equal(keys.length, 129);
});

test("Logger cuts a text of 10 MB", async () => {
  const text = await logged("x".repeat(10_000_000));
  assert.match(text, /^x{16384}…\[\d+ more\]\[of 10000000\]$/);
});

test("Logger leaves a huge bigint out", async () => {
  assert.equal(await logged(1n << 100_000n), "[large bigint]");
});

test("Logger reads past a getter, a proxy and a toJSON that throw", async () => {
  const broken = (): never => {
    throw new Error("no");
  };
  const value = {
    good: 1,
    get bad() {
      return broken();
    },
    proxy: new Proxy({}, { ownKeys: broken, get: broken, getPrototypeOf: broken }),
    json: { toJSON: broken },
  };
  assert.deepEqual(await logged(value), {
    good: 1,
    bad: "[unreadable]",
    proxy: "[unreadable]",
    json: "[unreadable]",
  });
});

test("Logger survives fields that cannot be listed", async () => {
  const { log, lines } = await recorded();
  const broken = (): never => {
    throw new Error("no");
  };
  const proxy = new Proxy({}, { ownKeys: broken, getPrototypeOf: broken });
  log.info("m", proxy);
  log.child(proxy).info("n");
  assert.deepEqual(lines.map((line) => entryOf(line).message), ["m", "n"]);
});

test("Logger takes an error in place of the fields", async () => {
  const { log, lines } = await recorded();
  log.error("m", new Error("boom") as unknown as Record<string, unknown>);
  assert.equal(entryOf(lines[0]!).error?.message, "boom");
});

test("Logger writes an error with its causes as LogError", async () => {
  const { log, lines } = await recorded();
  const root = new TypeError("root");
  const error = new CqiError("CQI_BUS_UNAVAILABLE", "Cannot publish", {
    cause: new Error("middle", { cause: root }),
  });
  log.error("m", { error });
  const entry = entryOf(lines[0]!);
  assert.equal(entry.error?.type, "CqiError");
  assert.equal(entry.error?.code, "CQI_BUS_UNAVAILABLE");
  assert.equal(entry.error?.retryable, true);
  assert.match(
    entry.error?.stack ?? "",
    /Cannot publish[^]*Caused by: Error: middle[^]*Caused by: TypeError: root/,
  );
});

test("Logger writes a cause that is a plain object by its members, secrets left out", async () => {
  const { log, lines } = await recorded();
  const cause = { venue: "kraken", status: 429, password: "canary" };
  log.error("m", { error: new Error("refused", { cause }) });
  const { stack = "" } = entryOf(lines[0]!).error ?? {};
  assert.match(stack, /Caused by: \{"venue":"kraken","status":429,"password":"?\[redacted\]/);
  assert.doesNotMatch(stack, /canary/);
});

test("Logger writes a cause that leads back to its error", async () => {
  const { log, lines } = await recorded();
  const error = new Error("round");
  error.cause = { of: error };
  log.error("m", { error });
  assert.match(entryOf(lines[0]!).error?.stack ?? "", /Caused by: \{"of":.*\[cyclic\]/);
});

const MESSAGES: readonly (readonly [unknown, string])[] = [
  [undefined, "[message is of type undefined]"],
  [null, "[message is null]"],
  [42, "[message is 42]"],
  [{ password: "canary" }, "[message is an object]"],
  [new Error("broken"), "broken"],
];

for (const [message, text] of MESSAGES) {
  test(`Logger says of a message that is no text: ${text}`, async () => {
    const { log, last } = await recorded();
    log.info(message as string);
    assert.equal(last().message, text);
  });
}

test("Logger writes errors that are hostile", async () => {
  const { log, lines } = await recorded();
  const cyclic = new Error("cyclic");
  cyclic.cause = cyclic;
  const bare = new Error("x");
  Object.defineProperties(bare, {
    name: { value: "" },
    message: {
      get: () => {
        throw new Error("no");
      },
    },
    stack: { value: 7 },
    code: { value: "c".repeat(1000) },
  });
  for (
    const error of [
      cyclic,
      bare,
      new AggregateError([new Error("a"), "b"], "all"),
      new DOMException("d"),
    ]
  ) {
    log.error("m", { error });
  }
  assert.equal(lines.length, 4);
  for (const line of lines) assert.ok(entryOf(line).error);
  assert.match(entryOf(lines[2]!).error!.stack!, /With: Error: a[^]*With: b/);
});

test("Logger writes a message of the contracts by its proto names", async () => {
  const order = create(OrderSchema, { orderId: "o-1", side: OrderSide.BUY });
  const value = await logged(order);
  assert.equal(value.order_id, "o-1");
  assert.equal(value.side, "ORDER_SIDE_BUY");
});

test("Logger hides fields marked debug_redact", async () => {
  const key = create(ApiKeySchema, { keyId: "k-1", keyHash: new Uint8Array(32).fill(65) });
  assert.deepEqual(await logged(key), { key_id: "k-1", key_hash: "[redacted]" });
});

test("Logger writes timestamps and durations as text", async () => {
  const time = { $typeName: "google.protobuf.Timestamp", seconds: 1n, nanos: 5_000_001 };
  const span = { $typeName: "google.protobuf.Duration", seconds: -1n, nanos: -500_000_000 };
  assert.deepEqual(await logged([time, span]), ["1970-01-01T00:00:01.005000001Z", "-1.5s"]);
});

test("Logger writes a message that nobody knows by its properties", async () => {
  const value = {
    $typeName: "acme.v1.Thing",
    $unknown: [],
    someName: 1n,
    pick: { case: "inOne", value: 2 },
    none: [],
  };
  assert.deepEqual(await logged(value), { some_name: "1", in_one: 2 });
});

test("Logger keeps a line within max_line_bytes, whatever it is given", async () => {
  const { log, lines } = await recorded({ maxLineBytes: 1024 }, {
    service: {
      name: "n".repeat(100),
      version: "v".repeat(100),
      environment: "e".repeat(100),
      instanceId: "i".repeat(253),
    },
  });
  const wide = "\u2028".repeat(100_000);
  log.info(wide, { a: wide, b: Array(1000).fill(wide), error: new Error(wide) });
  log.child({ a: wide }).info("é".repeat(100_000));
  for (const line of lines) {
    assert.ok(new TextEncoder().encode(line).length <= 1024);
    assert.equal(entryOf(line).attributes?.truncated, true);
  }
});

test("Logger keeps a line within the default bound", async () => {
  const { log, lines } = await recorded();
  let value: unknown = "\x01".repeat(20_000);
  for (let depth = 0; depth < 4; depth++) value = Array(200).fill(value);
  log.info(
    "\x01".repeat(1_000_000),
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, value])),
  );
  assert.ok(new TextEncoder().encode(lines[0]!).length <= 262_144);
  entryOf(lines[0]!);
});

test("Logger writes keys that are hostile", async () => {
  const { log, lines } = await recorded();
  const keys = [
    "",
    "__proto__",
    "constructor",
    "a\nb",
    '"',
    "\u2028",
    "k".repeat(10_000),
    "hasOwnProperty",
  ];
  const fields = Object.create(null) as Record<string, unknown>;
  for (const key of keys) fields[key] = 1;
  log.info("m", fields);
  assert.equal(Object.keys(JSON.parse(lines[0]!).attributes).length, keys.length);
  assert.doesNotMatch(lines[0]!, /[\n\u2028]/);
});
