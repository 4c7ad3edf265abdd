import assert from "node:assert/strict";
import { test } from "node:test";
import { httpMetrics } from "../../metrics/mod.ts";
import { formatFor } from "../../metrics/_accept.ts";
import { boundText } from "../../metrics/drivers/_text.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { registry, samples } from "./_registry.ts";

const signal = new AbortController().signal;

test("httpMetrics counts 1,000 ids on one route as one series", async () => {
  const metrics = await registry();
  const layer = httpMetrics(metrics, { clock: fakeClock() });
  for (let i = 0; i < 1000; i++) {
    await layer(
      new Request(`http://h/positions/${i}`),
      { signal, route: "/positions/:id" },
      () => Promise.resolve(new Response()),
    );
  }
  await layer(
    new Request("http://h/wp-admin"),
    { signal },
    () => Promise.resolve(new Response(null, { status: 404 })),
  );
  const lines = samples((await metrics.expose()).body).filter((line) =>
    line.startsWith("cqi_http_server_requests_total")
  );
  assert.deepEqual(lines, [
    'cqi_http_server_requests_total{method="GET",route="/positions/:id",status_code="200"} 1000',
    'cqi_http_server_requests_total{method="GET",route="other",status_code="404"} 1',
  ]);
});

test("httpMetrics counts what throws, what is in flight and unknown methods", async () => {
  const metrics = await registry();
  const clock = fakeClock();
  const layer = httpMetrics(metrics, { clock });
  // Bun's Request takes no word that HTTP does not know; a server's may.
  const request = { method: "BREW", url: "http://h/" } as Request;
  const answer = layer(request, { signal }, async () => {
    await clock.advance(250);
    assert.match((await metrics.expose()).body, /in_flight_requests 1/);
    throw new Error("broken");
  });
  await assert.rejects(Promise.resolve(answer), /broken/);
  const { body } = await metrics.expose();
  assert.match(body, /requests_total\{method="other",route="other",status_code="500"\} 1/);
  assert.match(body, /duration_seconds_sum\{method="other",route="other",status_code="500"\} 0.25/);
  assert.match(body, /in_flight_requests 0/);
});

const accepts: [accept: string | null | undefined, format: string][] = [
  [undefined, "prometheus"],
  [null, "prometheus"],
  ["", "prometheus"],
  ["*/*", "prometheus"],
  ["application/openmetrics-text", "openmetrics"],
  ["Application/OpenMetrics-Text; version=1.0.0; q=0.9,text/plain;q=0.5", "openmetrics"],
  ["application/openmetrics-text;q=0.1,text/plain;q=0.5", "prometheus"],
  ["application/openmetrics-text;q=0", "prometheus"],
  [",".repeat(100_000), "prometheus"],
];
for (const [accept, format] of accepts) {
  test(`formatFor takes ${String(accept).slice(0, 60)} as ${format}`, () => {
    assert.equal(formatFor(accept), format);
  });
}

test("boundText writes bounds as OpenMetrics wants them", () => {
  const texts = [0, 1, 0.005, 2.5, 1e6, 2.5e7, 1e-4, 5e-5, 100_000, -1].map(boundText);
  assert.deepEqual(texts, [
    "0.0",
    "1.0",
    "0.005",
    "2.5",
    "1e+06",
    "2.5e+07",
    "0.0001",
    "5e-05",
    "100000.0",
    "-1.0",
  ]);
});
