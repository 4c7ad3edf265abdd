import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVE_SPAN, activeContext, activeSpan, runInContext } from "../../core/mod.ts";
import {
  activeBaggage,
  BAGGAGE,
  extract,
  formatBaggage,
  formatTraceparent,
  formatTracestate,
  inject,
  parseBaggage,
  parseTraceparent,
  parseTracestate,
} from "../../tracing/mod.ts";

const T = "4bf92f3577b34da6a3ce929d0e0e4736";
const S = "00f067aa0ba902b7";
const ok = (traceFlags: number) => ({ traceId: T, spanId: S, traceFlags });

// After the cases of the W3C validation service for trace-context, in our own words.
const parents: [name: string, header: string, expected: unknown][] = [
  ["sampled", `00-${T}-${S}-01`, ok(1)],
  ["not sampled", `00-${T}-${S}-00`, ok(0)],
  ["the random flag of level 2", `00-${T}-${S}-03`, ok(3)],
  ["flags that have no meaning yet", `00-${T}-${S}-ff`, ok(3)],
  ["a later version", `01-${T}-${S}-01`, ok(1)],
  ["a later version with more behind it", `cc-${T}-${S}-01-what-the-future-will-be`, ok(1)],
  ["a later version with a dash alone", `cc-${T}-${S}-01-`, ok(1)],
  ["a later version with more but no dash", `cc-${T}-${S}-01.what`, undefined],
  ["version 00 with more behind it", `00-${T}-${S}-01-what`, undefined],
  ["version 00 with a dash behind it", `00-${T}-${S}-01-`, undefined],
  ["version ff", `ff-${T}-${S}-01`, undefined],
  ["a version that is not hex", `.0-${T}-${S}-01`, undefined],
  ["a version in capitals", `AA-${T}-${S}-01`, undefined],
  ["a version of one digit", `0-${T}-${S}-01`, undefined],
  ["a version of three digits", `000-${T}-${S}-01`, undefined],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${S}-01`, undefined],
  ["a trace id in capitals", `00-${T.toUpperCase()}-${S}-01`, undefined],
  ["a trace id that is not hex", `00-.${T.slice(1)}-${S}-01`, undefined],
  ["a short trace id", `00-${T.slice(1)}-${S}-01`, undefined],
  ["a long trace id", `00-${T}0-${S}-01`, undefined],
  ["a span id of zeros", `00-${T}-${"0".repeat(16)}-01`, undefined],
  ["a span id in capitals", `00-${T}-${S.toUpperCase()}-01`, undefined],
  ["a span id that is not hex", `00-${T}-.${S.slice(1)}-01`, undefined],
  ["a short span id", `00-${T}-${S.slice(1)}-01`, undefined],
  ["a long span id", `00-${T}-${S}0-01`, undefined],
  ["flags that are not hex", `00-${T}-${S}-.0`, undefined],
  ["flags in capitals", `00-${T}-${S}-0A`, undefined],
  ["flags of one digit", `00-${T}-${S}-1`, undefined],
  ["flags of three digits", `00-${T}-${S}-001`, undefined],
  ["spaces and tabs around", `\t 00-${T}-${S}-01 \t`, ok(1)],
  ["a space within", `00-${T} -${S}-01`, undefined],
  ["two headers in one", `00-${T}-${S}-01,00-${T}-${S}-01`, undefined],
  ["other separators", `00_${T}_${S}_01`, undefined],
  ["nothing", "", undefined],
  ["a header of 1 MB", `cc-${T}-${S}-01-${"x".repeat(1_000_000)}`, undefined],
  ["a line feed behind it", `00-${T}-${S}-01\n`, undefined],
];
for (const [name, header, expected] of parents) {
  test(`parseTraceparent with ${name}`, () => {
    assert.deepEqual(parseTraceparent(header), expected);
  });
}

const list = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(",");
const states: [name: string, header: string, expected: string | undefined][] = [
  ["one member", "foo=1", "foo=1"],
  ["two members", "foo=1,bar=2", "foo=1,bar=2"],
  ["spaces and tabs around members", "foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"],
  ["empty members", "foo=1,,,bar=2,", "foo=1,bar=2"],
  ["nothing", "", undefined],
  ["commas alone", ",,", undefined],
  ["a member without value", "foo,bar=2", undefined],
  ["an empty value", "foo=,bar=2", undefined],
  ["an empty key", "=1,bar=2", undefined],
  ["a key with a space", "foo =1,bar=2", undefined],
  ["a key in capitals", "FOO=1", undefined],
  ["a key with a dot", "foo.bar=1", undefined],
  ["a key that starts with a digit", "1foo=1", undefined],
  [
    "all characters of a key",
    "abcdefghijklmnopqrstuvwxyz0123456789_-*/=1",
    "abcdefghijklmnopqrstuvwxyz0123456789_-*/=1",
  ],
  ["a tenant key", "0tenant@system=1", "0tenant@system=1"],
  ["a key that ends with @", "foo@=1,bar=2", undefined],
  ["a key that starts with @", "@foo=1,bar=2", undefined],
  ["a key with two @", "foo@bar@baz=1,bar=2", undefined],
  ["a system that starts with a digit", "foo@1bar=1", undefined],
  ["a key of 256", `${"z".repeat(256)}=1`, `${"z".repeat(256)}=1`],
  ["a key of 257", `foo=1,${"z".repeat(257)}=1`, undefined],
  [
    "a tenant of 241 and a system of 14",
    `${"t".repeat(241)}@${"v".repeat(14)}=1`,
    `${"t".repeat(241)}@${"v".repeat(14)}=1`,
  ],
  ["a tenant of 242", `${"t".repeat(242)}@v=1`, undefined],
  ["a system of 15", `t@${"v".repeat(15)}=1`, undefined],
  ["a value of 256", `foo=${"v".repeat(256)}`, `foo=${"v".repeat(256)}`],
  ["a value of 257", `foo=${"v".repeat(257)}`, undefined],
  ["a value with an equals sign", "foo=bar=baz", undefined],
  ["a value beyond ASCII", "foo=é", undefined],
  ["a value with a control character", "foo=a\x01b", undefined],
  ["a value with a space within", "foo=a b", "foo=a b"],
  [
    "all characters of a value",
    "foo=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~",
    "foo=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~",
  ],
  ["32 members", list(32), list(32)],
  ["33 members", list(33), undefined],
  ["a key twice", "foo=1,bar=2,foo=3", "foo=1,bar=2"],
  ["a bad member at the end", "foo=1,BAR=2", undefined],
  ["1 MB", `foo=${"1".repeat(1_000_000)}`, undefined],
];
for (const [name, header, expected] of states) {
  test(`extract of tracestate with ${name}`, () => {
    const headers: Record<string, string> = { traceparent: `00-${T}-${S}-01`, tracestate: header };
    const context = extract((key) => headers[key]);
    assert.equal(context?.traceState, expected);
    assert.equal(context?.traceId, T);
  });
}

test("extract drops tracestate without a good traceparent", () => {
  assert.equal(extract((key) => key === "tracestate" ? "foo=1" : undefined), undefined);
  assert.equal(extract((key) => key === "tracestate" ? "foo=1" : "00-bad"), undefined);
});

test("formatTracestate drops long members first, then from the end, to stay within 512", () => {
  const long = ["long", "x".repeat(200)] as const;
  const short = Array.from({ length: 10 }, (_, i) => [`k${i}`, "v".repeat(60)] as const);
  const text = formatTracestate([short[0]!, long, ...short.slice(1)]);
  assert.ok(text.length <= 512);
  assert.deepEqual(parseTracestate(text), short.slice(0, 8));
});

test("inject writes what extract reads", () => {
  const context = { ...ok(1), traceState: "foo=1,bar=2" };
  const headers = new Headers();
  inject(context, (name, value) => headers.set(name, value), {
    baggage: new Map([["k", "a b,é"]]),
  });
  assert.deepEqual(Object.fromEntries(headers), {
    traceparent: `00-${T}-${S}-01`,
    tracestate: "foo=1,bar=2",
    baggage: "k=a%20b%2C%C3%A9",
  });
  assert.deepEqual(extract((name) => headers.get(name)), context);
  assert.deepEqual(parseBaggage(headers.get("baggage")!), new Map([["k", "a b,é"]]));
});

test("inject writes nothing for a span that is not valid", () => {
  const never = () => assert.fail("written");
  inject(undefined, never);
  inject({ ...ok(1), traceId: "0".repeat(32) }, never);
  inject({ ...ok(1), spanId: "x\r\nevil: 1      " }, never);
});

test("inject writes no tracestate that was put together badly", () => {
  const headers = new Headers();
  inject({ ...ok(1), traceState: "BAD" }, (name, value) => headers.set(name, value));
  assert.deepEqual([...headers.keys()], ["traceparent"]);
});

test("formatTraceparent sends no flag without a meaning", () => {
  assert.equal(formatTraceparent(ok(0xff)), `00-${T}-${S}-03`);
});

test("extract takes part in the active context by hand", () => {
  const context = extract(() => `00-${T}-${S}-01`);
  runInContext(
    activeContext().with(ACTIVE_SPAN, context!),
    () => assert.equal(activeSpan()?.spanId, S),
  );
});

const baggages: [name: string, header: string, expected: [string, string][]][] = [
  ["members", "a=1,b=2", [["a", "1"], ["b", "2"]]],
  ["spaces and properties", " a = 1 ;p;q=2 , b=2 ", [["a", "1"], ["b", "2"]]],
  ["percent encoding", "a=%20%C3%A9", [["a", " é"]]],
  ["broken percent encoding", "a=%,b=%ff,c=1", [["c", "1"]]],
  ["bad keys", "a b=1,=2,(=3,c=4", [["c", "4"]]],
  ["bad values", 'a="1",b=1 2,c=\\,d=4', [["d", "4"]]],
  ["__proto__", "__proto__=1", [["__proto__", "1"]]],
  [
    "65 members",
    Array.from({ length: 65 }, (_, i) => `k${i}=v`).join(","),
    Array.from({ length: 64 }, (_, i) => [`k${i}`, "v"]),
  ],
  ["over 8,192 characters", `a=${"1".repeat(8191)}`, []],
  ["nothing", "", []],
];
for (const [name, header, expected] of baggages) {
  test(`parseBaggage with ${name}`, () => assert.deepEqual([...parseBaggage(header)], expected));
}

test("formatBaggage leaves out what does not fit", () => {
  const many = new Map(Array.from({ length: 100 }, (_, i) => [`k${i}`, "v".repeat(200)]));
  many.set("bad key", "1");
  const text = formatBaggage(many);
  assert.ok(text.length <= 8192);
  assert.ok(parseBaggage(text).size > 30);
  assert.equal(formatBaggage(new Map([["a b", "1"]])), "");
  assert.equal(formatBaggage(new Map([["a", "\ud800"]])), "a=%EF%BF%BD");
});

test("activeBaggage is empty where there is none", () => {
  assert.equal(activeBaggage().size, 0);
  const baggage = new Map([["a", "1"]]);
  runInContext(
    activeContext().with(BAGGAGE, baggage),
    () => assert.equal(activeBaggage(), baggage),
  );
});
