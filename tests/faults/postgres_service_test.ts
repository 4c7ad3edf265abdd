import assert from "node:assert/strict";
import test from "node:test";
import { systemClock } from "../../core/mod.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { openService } from "../service/_kit.ts";

import { report } from "./_report.ts";

const postgres = await real(() => realPostgres({ own: true }));

if (postgres !== undefined) {
  test("P1: a service that starts before PostgreSQL is ready when it is up, and not while it is down", async () => {
    await postgres.stop();
    await using app = await openService(["database"], { database: postgres.section });
    const server = await app.serve();
    const probe = async (name: string): Promise<number> => {
      const response = await fetch(`${server.url}/health/${name}`);
      await response.text();
      return response.status;
    };
    const ready = (): Promise<number> => probe("ready");
    const live = (): Promise<number> => probe("live");
    assert.deepEqual([await ready(), await live()], [503, 200]);
    await postgres.start();
    const upMs = systemClock.monotonic();
    await until(async () => await ready() === 200, "ready after the start");
    const readyMs = systemClock.monotonic() - upMs;
    await postgres.stop("immediate");
    const downMs = systemClock.monotonic();
    await until(async () => await ready() === 503, "not ready after the stop");
    const noticedMs = systemClock.monotonic() - downMs;
    assert.equal(await live(), 200);
    await postgres.start();
    report(
      `P1: ready ${Math.round(readyMs)} ms after the server was up, 503 ${
        Math.round(noticedMs)
      } ms after it was stopped`,
    );
    // The period of the check is a second; the check itself may take two.
    assert(noticedMs < 3000, String(noticedMs));
    assert(readyMs < 10_000, String(readyMs));
  });

  test("P3: a service whose connections are all in use stays ready, degraded", async () => {
    await using app = await openService(["database"], {
      database: { ...postgres.section, maxConns: 5 },
    });
    const server = await app.serve();
    const { database } = app;
    const gate = Promise.withResolvers<void>();
    const held = Array.from({ length: 5 }, () =>
      database.transaction(async (tx) => {
        await tx.sql`select 1`;
        await gate.promise;
      }));
    await until(() => database.pool.used === 5, "five busy connections");
    await until(async () => (await database.check()).status === "degraded", "a degraded pool");
    let body = "";
    await until(async () => {
      const response = await fetch(`${server.url}/health/ready`);
      body = await response.text();
      assert.equal(response.status, 200);
      return /DEGRADED/.test(body);
    }, "a degraded answer");
    gate.resolve();
    await Promise.all(held);
    report(`P3: 5 of 5 connections busy, ready 200 ${/SERVICE_STATUS_\w+/.exec(body)?.[0]}`);
  });
}
