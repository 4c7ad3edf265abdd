import assert from "node:assert/strict";
import { test } from "node:test";
import * as server from "../../mod.ts";
import * as edge from "../../presets/edge.ts";

type Open = (section: unknown, options?: object) => unknown;

const opens = (preset: object): readonly (readonly [name: string, open: Open])[] =>
  Object.entries(preset).flatMap(([name, space]: [string, { open?: Open }]) =>
    // The service checks its sections itself: they come from config.load().
    space.open === undefined || name === "service" ? [] : [[name, space.open] as const]
  );

for (const [preset, spaces] of Object.entries({ server, edge })) {
  for (const [name, open] of opens(spaces)) {
    test(`${name}.open() of ${preset} refuses a section that is no object`, async () => {
      for (const section of ["memory", 1, true, null, [], () => {}]) {
        const expected = {
          code: "CQI_OPTION_INVALID",
          message: RegExp(`Cannot open ${name}: its`),
        };
        await assert.rejects(async () => await open(section, {}), expected);
      }
    });
  }
}

for (const name of ["bus", "cache", "logging", "metrics", "tracing"] as const) {
  test(`${name}.open({}) of edge opens`, async () => {
    const opened = await edge[name].open({});
    await opened.close();
    assert.equal(await opened.close(), undefined);
  });
}

test("health.open({}) and auth.open({}) of edge open", async () => {
  const health = edge.health.open({}, { service: { name: "worker", version: "1.0.0" } });
  assert.equal((await health.report()).components.length, 0);
  await health.close();
  await using guard = await edge.auth.open({});
  assert.equal(typeof guard.authenticate, "function");
});

test("metrics.open({}) of edge counts nothing, and says so of a driver that no worker has", async () => {
  await using metrics = await edge.metrics.open({});
  metrics.counter({ name: "orders_total", help: "Orders" }).add();
  assert.doesNotMatch((await metrics.expose()).body, /orders/);
  await assert.rejects(edge.metrics.open({ enabled: true }), {
    code: "CQI_METRICS_DRIVER_UNKNOWN",
  });
});

test("metrics.open() of edge takes a driver that is handed in", async () => {
  const drivers = { mine: () => import("../../metrics/drivers/prometheus.ts") };
  await using metrics = await edge.metrics.open({ driver: "mine" }, { drivers });
  metrics.counter({ name: "orders_total", help: "Orders" }).add();
  assert.match((await metrics.expose()).body, /cqi_orders_total 1/);
});

test("database.open({}) of edge says that a driver is to be named", async () => {
  await assert.rejects(edge.database.open({}), {
    code: "CQI_DATABASE_DRIVER_UNKNOWN",
    message: /'driver' is not set.*handed in by option 'drivers', or 'mock'/,
  });
  await using database = await edge.database.open({ driver: "mock" });
  assert.equal(typeof database.transaction, "function");
});
