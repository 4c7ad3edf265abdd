import assert from "node:assert/strict";
import { test } from "node:test";
import { testTracer } from "../../testing/test_spans.ts";

test("expectTrace compares names, kinds, attributes, events, links and failures", async () => {
  const tracer = testTracer();
  const other = tracer.start("other", { parent: null });
  other.end();
  await assert.rejects(tracer.span("root", { parent: null }, async (root) => {
    root.event("retry", { attempt: 1 });
    await tracer.span("a", { kind: "client", links: [other.context] }, () => Promise.resolve());
    tracer.span("b", { attributes: { x: "long text" } }, () => 1);
    throw new Error("broken");
  }));
  tracer.expectTrace({
    name: "root",
    failed: true,
    events: ["retry"],
    children: [
      { name: "a", kind: "client", links: [other.context] },
      { name: /^b$/, attributes: { x: /text/ }, links: 0 },
    ],
  });
});

test("expectTrace says what there is when nothing fits", () => {
  const tracer = testTracer();
  assert.throws(() => tracer.expectTrace({ name: "x" }), /there are no spans/);
  tracer.span("root", {}, () => tracer.start("open"));
  const expected = { name: "root", children: [{ name: "open" }] };
  assert.throws(
    () => tracer.expectTrace(expected),
    /root \(internal\)[^]*open \(internal\) {} not ended/,
  );
});

test("expectTrace wants all children and no others", () => {
  const tracer = testTracer();
  tracer.span("root", {}, () => tracer.span("child", {}, () => 1));
  assert.throws(() => tracer.expectTrace({ name: "root" }));
  assert.throws(() =>
    tracer.expectTrace({ name: "root", children: [{ name: "child" }, { name: "child" }] })
  );
  tracer.clear();
  assert.equal(tracer.spans.length, 0);
});
