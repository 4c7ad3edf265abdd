import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVE_SPAN, activeContext, noopMetrics, runInContext } from "../../core/mod.ts";
import { open } from "../../metrics/mod.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { registry, samples } from "./_registry.ts";

const invalid = { code: "CQI_METRIC_INVALID" };
const SPAN = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
};

test("expose writes the golden text of Prometheus", async () => {
  const metrics = await registry({ labels: { region: "eu" } });
  metrics.counter({ name: "orders_total", help: "Orders placed", labels: ["side"] })
    .with({ side: "buy" }).add(2);
  metrics.gauge({ name: "queue_length", help: 'Line 1\nline "2" \\' }).set(-1.5);
  const latency = metrics.histogram({
    name: "latency_seconds",
    help: "Latency",
    buckets: [0.1, 1],
  });
  for (const value of [0.1, 0.5, 7]) latency.observe(value);
  const { contentType, body } = await metrics.expose();
  assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(
    body,
    `# HELP cqi_metrics_overflow_total Uses of the overflow series, by metric: it has more label values than its limit
# TYPE cqi_metrics_overflow_total counter

# HELP cqi_orders_total Orders placed
# TYPE cqi_orders_total counter
cqi_orders_total{side="buy",region="eu"} 2

# HELP cqi_queue_length Line 1\\nline "2" \\\\
# TYPE cqi_queue_length gauge
cqi_queue_length{region="eu"} -1.5

# HELP cqi_latency_seconds Latency
# TYPE cqi_latency_seconds histogram
cqi_latency_seconds_bucket{le="0.1",region="eu"} 1
cqi_latency_seconds_bucket{le="1",region="eu"} 2
cqi_latency_seconds_bucket{le="+Inf",region="eu"} 3
cqi_latency_seconds_sum{region="eu"} 7.6
cqi_latency_seconds_count{region="eu"} 3
`,
  );
});

test("expose writes OpenMetrics with exemplars of sampled spans", async () => {
  const metrics = await registry();
  metrics.counter({ name: "orders_total", help: "Orders" }).add();
  const latency = metrics.histogram({
    name: "latency_seconds",
    help: "Latency",
    buckets: [0.1, 1, 1e6],
  });
  runInContext(activeContext().with(ACTIVE_SPAN, SPAN), () => latency.observe(0.5));
  runInContext(
    activeContext().with(ACTIVE_SPAN, { ...SPAN, traceFlags: 0 }),
    () => latency.observe(5e6),
  );
  const { contentType, body } = await metrics.expose(
    "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1",
  );
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.deepEqual(body.split("\n").slice(2), [
    "# HELP cqi_orders Orders",
    "# TYPE cqi_orders counter",
    "cqi_orders_total 1",
    "# HELP cqi_latency_seconds Latency",
    "# TYPE cqi_latency_seconds histogram",
    'cqi_latency_seconds_bucket{le="0.1"} 0',
    `cqi_latency_seconds_bucket{le="1.0"} 1 # {trace_id="${SPAN.traceId}",span_id="${SPAN.spanId}"} 0.5 1767225600`,
    'cqi_latency_seconds_bucket{le="1e+06"} 1',
    'cqi_latency_seconds_bucket{le="+Inf"} 2',
    "cqi_latency_seconds_sum 5000000.5",
    "cqi_latency_seconds_count 2",
    "# EOF",
    "",
  ]);
});

test("expose keeps no exemplars when the configuration says so", async () => {
  const metrics = await registry({ exemplars: false });
  const latency = metrics.histogram({ name: "latency_seconds", help: "Latency" });
  runInContext(activeContext().with(ACTIVE_SPAN, SPAN), () => latency.observe(0.5));
  assert.doesNotMatch((await metrics.expose("application/openmetrics-text")).body, /trace_id/);
});

test("expose keeps both formats right when they are asked for at once", async () => {
  const metrics = await registry();
  metrics.counter({ name: "orders_total", help: "Orders" }).add();
  const asked = [
    undefined,
    "application/openmetrics-text",
    undefined,
    "application/openmetrics-text",
  ];
  const all = await Promise.all(asked.map((accept) => metrics.expose(accept)));
  for (const [i, { contentType, body }] of all.entries()) {
    const isOpen = asked[i] !== undefined;
    assert.equal(contentType.startsWith("application/openmetrics"), isOpen);
    assert.match(body, isOpen ? /# TYPE cqi_orders counter/ : /# TYPE cqi_orders_total counter/);
    assert.match(body, /^cqi_orders_total 1$/m);
    assert.equal(body.endsWith("# EOF\n"), isOpen);
  }
});

test("expose escapes label values", async () => {
  const metrics = await registry();
  const family = metrics.gauge({ name: "x", help: "x", labels: ["v"] });
  for (const v of ['a"b', "a\\b", "a\nb", "", "é\u{1f600}", "\u2028", "{}", "#", "a\ud800"]) {
    family.with({ v }).set(1);
  }
  const lines = samples((await metrics.expose()).body);
  assert.deepEqual(lines, [
    'cqi_x{v="a\\"b"} 1',
    'cqi_x{v="a\\\\b"} 1',
    'cqi_x{v="a\\nb"} 1',
    'cqi_x{v=""} 1',
    'cqi_x{v="é\u{1f600}"} 1',
    'cqi_x{v="\u2028"} 1',
    'cqi_x{v="{}"} 1',
    'cqi_x{v="#"} 1',
    'cqi_x{v="a\ufffd"} 1',
  ]);
});

test("with keeps series apart whose values look alike when joined", async () => {
  const metrics = await registry();
  const family = metrics.counter({ name: "x_total", help: "x", labels: ["a", "b"] });
  family.with({ a: "1,b:2", b: "3" }).add(1);
  family.with({ a: "1", b: "2,b:3" }).add(2);
  family.with({ a: "12", b: "3" }).add(4);
  family.with({ a: "1", b: "23" }).add(8);
  assert.deepEqual(samples((await metrics.expose()).body).map((line) => line.split(" ").at(-1)), [
    "1",
    "2",
    "4",
    "8",
  ]);
});

test("with gives one series for values that are one on the wire", async () => {
  const metrics = await registry();
  const family = metrics.counter({ name: "x_total", help: "x", labels: ["a"] });
  family.with({ a: "\ud800" }).add();
  family.with({ a: "\udc00" }).add();
  family.with({ a: "y".repeat(300) }).add();
  family.with({ a: "y".repeat(400) }).add();
  assert.deepEqual(samples((await metrics.expose()).body), [
    'cqi_x_total{a="\ufffd"} 2',
    `cqi_x_total{a="${"y".repeat(256)}"} 2`,
  ]);
});

test("with holds 100,000 label values to the limit and one overflow series", async () => {
  const metrics = await registry();
  const family = metrics.counter({ name: "x_total", help: "x", labels: ["id"] });
  for (let i = 0; i < 100_000; i++) family.with({ id: `${i}` }).add();
  const lines = samples((await metrics.expose()).body);
  assert.equal(lines.length, 1 + 1000 + 1);
  assert.equal(lines[0], 'cqi_metrics_overflow_total{metric="cqi_x_total"} 99000');
  assert.equal(lines.at(-1), 'cqi_x_total{id="overflow"} 99000');
});

test("with takes the limit from the configuration", async () => {
  const metrics = await registry({ maxSeriesPerMetric: 2 });
  const family = metrics.gauge({ name: "x", help: "x", labels: ["id"] });
  for (const id of ["a", "b", "c"]) family.with({ id }).set(1);
  assert.equal(samples((await metrics.expose()).body).length, 4);
});

test("with refuses a missing label and one that the metric does not have", async () => {
  const metrics = await registry();
  const family = metrics.counter({ name: "x_total", help: "x", labels: ["a"] });
  // @ts-expect-error a label is missing
  assert.throws(() => family.with({}), invalid);
  // @ts-expect-error the label is not one of the metric's
  assert.throws(() => family.with({ a: "1", b: "2" }), invalid);
  // @ts-expect-error a value is no string
  assert.throws(() => family.with({ a: 1 }), invalid);
});

test("Metrics gives the same metric for the same definition", async () => {
  const metrics = await registry();
  const make = () => metrics.counter({ name: "x_total", help: "x", labels: ["a", "b"] });
  make().with({ a: "1", b: "1" }).add();
  make().with({ a: "1", b: "1" }).add();
  metrics.counter({ name: "x_total", help: "other words", labels: ["b", "a"] }).with({
    a: "1",
    b: "1",
  }).add();
  assert.deepEqual(samples((await metrics.expose()).body), ['cqi_x_total{a="1",b="1"} 3']);
});

const refused: [
  name: string,
  make: (m: Awaited<ReturnType<typeof registry>>) => unknown,
  reason: RegExp,
][] = [
  ["camel case", (m) => m.gauge({ name: "queueLength", help: "x" }), /snake case/],
  ["a line feed", (m) => m.gauge({ name: "a\nb", help: "x" }), /snake case/],
  ["a counter without _total", (m) => m.counter({ name: "orders", help: "x" }), /_total/],
  ["a gauge with _total", (m) => m.gauge({ name: "orders_total", help: "x" }), /counters/],
  ["milliseconds", (m) => m.histogram({ name: "latency_ms", help: "x" }), /seconds/],
  ["megabytes in a counter", (m) => m.counter({ name: "sent_mb_total", help: "x" }), /bytes/],
  ["the ending _count", (m) => m.gauge({ name: "order_count", help: "x" }), /reserved/],
  ["no help", (m) => m.gauge({ name: "x", help: " " }), /help/],
  ["label le", (m) => m.gauge({ name: "x", help: "x", labels: ["le"] }), /reserved/],
  ["label __x", (m) => m.gauge({ name: "x", help: "x", labels: ["__x"] }), /snake case/],
  ["label user_id", (m) => m.gauge({ name: "x", help: "x", labels: ["user_id"] }), /no bound/],
  ["equal labels", (m) => m.gauge({ name: "x", help: "x", labels: ["a", "a"] }), /differ/],
  [
    "eleven labels",
    (m) => m.gauge({ name: "x", help: "x", labels: [..."abcdefghijk"] }),
    /10 labels/,
  ],
  ["a common label", (m) => m.gauge({ name: "x", help: "x", labels: ["region"] }), /already/],
  ["no buckets", (m) => m.histogram({ name: "x_seconds", help: "x", buckets: [] }), /buckets/],
  [
    "unordered buckets",
    (m) => m.histogram({ name: "x_seconds", help: "x", buckets: [1, 1] }),
    /ascending/,
  ],
  [
    "an infinite bucket",
    (m) => m.histogram({ name: "x_seconds", help: "x", buckets: [Infinity] }),
    /finite/,
  ],
  [
    "another kind",
    (m) => m.gauge({ name: "known", help: "x", labels: ["a"] }),
    /already as a gauge/,
  ],
  [
    "a family of the same name",
    (m) => m.counter({ name: "known_total", help: "x" }),
    /belongs to 'cqi_known'/,
  ],
  [
    "a name that a histogram takes",
    (m) => m.gauge({ name: "h_seconds", help: "x" }),
    /already as a histogram/,
  ],
];
for (const [name, make, reason] of refused) {
  test(`Metrics refuses ${name}`, async () => {
    const metrics = await registry({ labels: { region: "eu" } });
    metrics.gauge({ name: "known", help: "x" });
    metrics.histogram({ name: "h_seconds", help: "x" });
    assert.throws(() => make(metrics), (error: Error & { code: string }) => {
      assert.equal(error.code, "CQI_METRIC_INVALID");
      assert.match(error.message, reason);
      return true;
    });
  });
}

test("Counter refuses to go down and to become NaN or infinite", async () => {
  const metrics = await registry();
  const counter = metrics.counter({ name: "x_total", help: "x" });
  for (const value of [-1, -0.1, NaN, Infinity, -Infinity]) {
    assert.throws(() => counter.add(value), invalid);
  }
  counter.add(0);
  counter.add(-0);
  assert.deepEqual(samples((await metrics.expose()).body), ["cqi_x_total 0"]);
});

test("Gauge keeps special numbers", async () => {
  const metrics = await registry();
  const gauge = metrics.gauge({ name: "x", help: "x", labels: ["v"] });
  for (const v of [NaN, Infinity, -Infinity, 2 ** 53, 1e308]) gauge.with({ v: `${v}` }).set(v);
  assert.deepEqual(
    samples((await metrics.expose()).body).map((line) => line.split(" ")[1]!.toLowerCase()),
    [
      "nan",
      "+inf",
      "-inf",
      "9007199254740992",
      "1e+308",
    ],
  );
});

test("Histogram refuses what is no finite number", async () => {
  const metrics = await registry();
  const histogram = metrics.histogram({ name: "x_seconds", help: "x" });
  for (const value of [NaN, Infinity]) assert.throws(() => histogram.observe(value), invalid);
});

test("Metrics of two registries do not meet", async () => {
  const [a, b] = [await registry({ namespace: "one" }), await registry({ namespace: "two" })];
  a.counter({ name: "x_total", help: "x" }).add();
  b.counter({ name: "x_total", help: "x" }).add(2);
  assert.deepEqual(samples((await a.expose()).body), ["one_x_total 1"]);
  assert.deepEqual(samples((await b.expose()).body), ["two_x_total 2"]);
});

test("onCollect runs before each exposition until it is stopped", async () => {
  const metrics = await registry();
  const gauge = metrics.gauge({ name: "x", help: "x" });
  let calls = 0;
  const collect = async () => {
    await Promise.resolve();
    gauge.set(++calls);
  };
  const stop = metrics.onCollect(collect);
  await metrics.expose();
  assert.deepEqual(samples((await metrics.expose()).body), ["cqi_x 2"]);
  stop();
  stop();
  await metrics.expose();
  assert.equal(calls, 2);
});

test("onCollect that throws or hangs is logged and the exposition goes on", async () => {
  const logger = testLogger();
  const clock = fakeClock();
  const metrics = await registry({}, { logger, clock });
  metrics.onCollect(() => {
    throw new Error("broken");
  });
  metrics.onCollect(() => new Promise(() => {}));
  const exposed = metrics.expose();
  await clock.advance(5000);
  assert.match((await exposed).body, /overflow/);
  assert.equal(logger.entries.length, 2);
  logger.expect({ level: "warn", fields: { component: "metrics" } });
});

test("handler answers GET and HEAD, and refuses the rest", async () => {
  const metrics = await registry();
  const ask = (method: string) => metrics.handler(new Request("http://h/metrics", { method }));
  const get = await ask("GET");
  assert.equal(get.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await get.text(), /# TYPE/);
  assert.equal(await (await ask("HEAD")).text(), "");
  assert.equal((await ask("POST")).status, 405);
});

test("open that is switched off keeps nothing and needs no driver", async () => {
  const metrics = await open({ enabled: false });
  metrics.counter({ name: "x_total", help: "x", labels: ["a"] }).with({ a: "1" }).add();
  assert.equal((await metrics.expose()).body, "");
  assert.equal((await metrics.handler(new Request("http://h/"))).status, 404);
  assert.equal(metrics.gauge, noopMetrics.gauge);
  await metrics.close();
});

test("open refuses an unknown driver, naming the known ones", async () => {
  await assert.rejects(open({ driver: "statsd" }, { drivers: { prometheus: () => prometheus } }), {
    code: "CQI_METRICS_DRIVER_UNKNOWN",
    message: /'statsd' is not known, known drivers are 'prometheus'/,
  });
});

test("open refuses buckets that do not ascend", async () => {
  await assert.rejects(registry({ defaultBuckets: [2, 1] }), { code: "CQI_OPTION_INVALID" });
});

test("close twice stops once and leaves the numbers readable", async () => {
  const metrics = await registry();
  metrics.counter({ name: "x_total", help: "x" }).add();
  await Promise.all([metrics.close(), metrics.close(), metrics[Symbol.asyncDispose]()]);
  assert.match((await metrics.expose()).body, /cqi_x_total 1/);
});
