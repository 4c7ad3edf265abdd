import { fromJson } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { validate } from "../../contracts/mod.ts";
import type { HealthReport } from "../../core/mod.ts";
import { HealthCheckResponseSchema } from "../../gen/ts/cqc/infrastructure/v1/mod.ts";
import type { OpenOptions } from "../../health/mod.ts";
import { kit } from "./_kit.ts";

test("9 public answers have no message, detail, version, instance or latency", async () => {
  const { health, probe } = kit();
  health.started();
  health.add("database", () => {
    throw new Error("connect ECONNREFUSED db-1.internal:5432 password=hunter2");
  });
  health.add("bus", () => ({ status: "degraded", message: "slow", details: { host: "kafka-1" } }));
  const response = await probe("ready");
  const text = await response.text();
  for (
    const secret of [
      "internal",
      "hunter2",
      "slow",
      "kafka-1",
      "1.4.2",
      "7d9f",
      "10.0.3.17",
      "latency",
    ]
  ) {
    assert(!text.includes(secret), secret);
  }
  assert.deepEqual(JSON.parse(text), {
    status: "SERVICE_STATUS_UNHEALTHY",
    service_name: "cqpm",
    service_version: "hidden",
    components: [{
      name: "database",
      kind: "COMPONENT_KIND_OTHER",
      status: "SERVICE_STATUS_UNHEALTHY",
      critical: true,
      checked_at: "2026-01-01T00:00:00Z",
    }, {
      name: "bus",
      kind: "COMPONENT_KIND_OTHER",
      status: "SERVICE_STATUS_DEGRADED",
      critical: true,
      checked_at: "2026-01-01T00:00:00Z",
    }],
    checked_at: "2026-01-01T00:00:00Z",
  });
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("content-type"), "application/json");
});

test("9 every answer is a valid HealthCheckResponse in the proto's field names", async () => {
  for (const details of ["always", "authorized", "never"]) {
    const { health, probe } = kit({ details });
    health.add("database", () => ({ status: "down", message: "m", details: { a: "b" } }));
    health.beat("loop", { within: "1s" });
    for (const step of [() => {}, () => health.started(), () => health.draining()]) {
      step();
      for (const name of ["live", "ready", "startup"]) {
        const body = await (await probe(name)).json();
        validate(HealthCheckResponseSchema, fromJson(HealthCheckResponseSchema, body));
        assert.ok("service_name" in body);
      }
    }
  }
});

test("9 details show to authorised callers, to all or to nobody, as configured", async () => {
  const ask = async (details: string, isAuthorized?: OpenOptions["isAuthorized"]) => {
    const { health, probe } = kit({ details }, isAuthorized === undefined ? {} : { isAuthorized });
    health.started();
    health.add("database", () => ({ status: "ok", details: { pool: "3" } }));
    const body = await (await probe("ready")).json();
    return body.components === undefined ? "none" : body.components[0].details?.pool ?? "names";
  };
  assert.equal(await ask("always"), "3");
  assert.equal(await ask("authorized"), "names");
  assert.equal(await ask("authorized", () => true), "3");
  assert.equal(await ask("authorized", () => Promise.resolve(true)), "3");
  assert.equal(await ask("authorized", () => false), "names");
  assert.equal(await ask("authorized", () => Promise.reject(new Error("401"))), "names");
  assert.equal(await ask("authorized", () => "yes" as unknown as boolean), "names");
  assert.equal(await ask("never", () => true), "none");
});

test("9 an authorisation that never settles does not hold up the answer beyond the timeout", async () => {
  const { probe, clock } = kit({}, { isAuthorized: () => new Promise(() => {}) });
  const asked = probe("live");
  await clock.advance(2000);
  assert.equal((await asked).status, 200);
});

test("10 health_status follows each component, and changes are logged once", async () => {
  const { health, values, lines, clock } = kit();
  let report: HealthReport = { status: "ok" };
  health.add("database", () => report);
  const steps: HealthReport["status"][] = ["ok", "ok", "degraded", "down", "down", "ok"];
  const seen: unknown[] = [];
  for (const status of steps) {
    report = { status };
    await health.report();
    seen.push(values.get("health_status{component=database}"));
    await clock.advance(1000);
  }
  assert.deepEqual(seen, [1, 1, 0.5, 0, 0, 1]);
  assert.deepEqual(lines.map(({ level, fields }) => [level, fields.status]), [
    ["warn", "degraded"],
    ["warn", "down"],
    ["info", "ok"],
  ]);
});

test("10 onChange() tells each change of the service once, and a listener that throws harms nobody", async () => {
  const { health, clock, lines } = kit();
  let up = true;
  const seen: string[] = [];
  health.onChange(() => {
    throw new Error("listener");
  });
  const stop = health.onChange((status) => seen.push(status));
  health.add("database", () => up);
  health.add("cache", () => up, { critical: false });
  const round = async (value: boolean): Promise<void> => {
    up = value;
    await clock.advance(1000);
    await health.report();
  };
  await round(true);
  await round(true);
  await round(false);
  await round(true);
  health.draining();
  assert.deepEqual(seen.filter((status) => status !== "degraded"), ["ok", "down", "ok", "down"]);
  assert.ok(lines.some((line) => line.message.includes("Listener")));
  stop();
  stop();
});

test("handler answers GET and HEAD of its paths and nothing else", async () => {
  const { health, probe } = kit();
  health.started();
  assert.equal((await probe("ready", "HEAD")).status, 200);
  assert.equal(await (await probe("ready", "HEAD")).text(), "");
  const post = await probe("ready", "POST");
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  for (const name of ["", "liveness", "live/", "ready%20", "../health/live/x", "LIVE"]) {
    assert.equal((await probe(name)).status, 404, name);
  }
  const plain = await health.handler(new Request("http://localhost/health?verbose=1"));
  assert.equal(plain.status, 200);
  const moved = kit({ path: "/internal/health/" });
  const answer = await moved.health.handler(new Request("http://localhost/internal/health/live"));
  assert.equal(answer.status, 200);
});
