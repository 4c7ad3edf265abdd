import assert from "node:assert/strict";
import { test } from "node:test";
import { validate } from "../../contracts/mod.ts";
import type { Checkable, HealthReport } from "../../core/mod.ts";
import {
  ComponentKind,
  HealthCheckResponseSchema,
  ServiceStatus,
} from "../../gen/ts/cqc/infrastructure/v1/mod.ts";
import { open } from "../../health/mod.ts";
import { kit } from "./_kit.ts";

test("1 probes are apart: startup 503 until started, ready 503 while draining, live 200", async () => {
  const { health, status } = kit();
  const all = async (): Promise<number[]> => [
    await status("live"),
    await status("ready"),
    await status("startup"),
  ];
  assert.deepEqual(await all(), [200, 503, 503]);
  health.started();
  assert.deepEqual(await all(), [200, 200, 200]);
  health.started();
  health.draining();
  assert.deepEqual(await all(), [200, 503, 200]);
  health.draining();
  assert.deepEqual(await all(), [200, 503, 200]);
  await health.close();
  await health.close();
  health.started();
  assert.deepEqual(await all(), [200, 503, 200]);
});

test("1 report() says STARTING, HEALTHY and STOPPING in their turn", async () => {
  const { health } = kit();
  const word = async (): Promise<unknown> => (await health.report()).status;
  assert.equal(await word(), ServiceStatus.STARTING);
  health.started();
  assert.equal(await word(), ServiceStatus.HEALTHY);
  health.draining();
  assert.equal(await word(), ServiceStatus.STOPPING);
});

test("2 report() answers at the timeout of a check that never settles, and says so", async () => {
  const { health, clock } = kit();
  health.started();
  let signal: AbortSignal | undefined;
  health.add("database", (wait) => {
    signal = wait.signal;
    return new Promise<boolean>(() => {});
  }, { timeout: "500ms" });
  health.add("cache", () => true);
  const asked = health.report();
  await clock.advance(499);
  let done = false;
  asked.then(() => done = true);
  await clock.advance(0);
  assert.equal(done, false);
  await clock.advance(1);
  const [database, cache] = (await asked).components;
  assert.equal(signal?.aborted, true);
  assert.match(database!.message, /^timeout/);
  assert.deepEqual([database!.status, cache!.status], [
    ServiceStatus.UNHEALTHY,
    ServiceStatus.HEALTHY,
  ]);
  assert.deepEqual(database!.latency, {
    $typeName: "google.protobuf.Duration",
    seconds: 0n,
    nanos: 500_000_000,
  });
});

test("2 a check that hangs is not piled upon, and is tried again once given up or settled", async () => {
  const { health, clock } = kit();
  let runs = 0;
  const gates: PromiseWithResolvers<boolean>[] = [];
  health.add("database", () => {
    runs++;
    gates.push(Promise.withResolvers<boolean>());
    return gates.at(-1)!.promise;
  }, { timeout: 100 });
  const round = async (): Promise<number> => {
    const asked = health.report();
    await clock.advance(100);
    const [component] = (await asked).components;
    await clock.advance(1000);
    return component!.status;
  };
  assert.equal(await round(), ServiceStatus.UNHEALTHY);
  assert.equal(runs, 1);
  // 1,100 ms later the first one is given up for lost.
  assert.equal(await round(), ServiceStatus.UNHEALTHY);
  assert.equal(runs, 2);
  gates[1]!.resolve(true);
  await clock.advance(0);
  gates.length = 0;
  const asked = health.report();
  await clock.advance(1);
  gates[0]!.resolve(true);
  assert.equal((await asked).components[0]!.status, ServiceStatus.HEALTHY);
});

test("3 500 parallel probes run each check once, and a result is used again for a second", async () => {
  const { health, clock, status } = kit();
  health.started();
  let runs = 0;
  for (const name of ["a", "b"]) {
    health.add(name, async () => {
      runs++;
      await Promise.resolve();
      return true;
    });
  }
  const codes = await Promise.all(Array.from({ length: 500 }, () => status("ready")));
  assert.deepEqual([...new Set(codes)], [200]);
  assert.equal(runs, 2);
  await clock.advance(999);
  await status("ready");
  assert.equal(runs, 2);
  await clock.advance(1);
  await Promise.all([status("ready"), health.report(), status("ready")]);
  assert.equal(runs, 4);
});

test("3 cache_ttl of zero is honoured", async () => {
  const { health } = kit({ cacheTtl: { seconds: 0n } });
  let runs = 0;
  health.add("a", () => void runs++);
  await health.report();
  await health.report();
  assert.equal(runs, 2);
});

test("4 readiness is 503 for a critical component and 200 degraded for an optional one, both named", async () => {
  const { health, probe, clock } = kit();
  health.started();
  let redis = true;
  let postgres = true;
  health.add("cache", () => redis, { critical: false, kind: ComponentKind.CACHE });
  health.add("database", () => postgres, { kind: ComponentKind.DATABASE });
  const ask = async (): Promise<unknown[]> => {
    await clock.advance(1000);
    const response = await probe("ready");
    const body = await response.json();
    const words = body.components.map((one: Record<string, string>) => [one.name, one.status]);
    return [response.status, body.status, Object.fromEntries(words)];
  };
  const up = "SERVICE_STATUS_HEALTHY";
  const down = "SERVICE_STATUS_UNHEALTHY";
  const half = "SERVICE_STATUS_DEGRADED";
  assert.deepEqual(await ask(), [200, up, { cache: up, database: up }]);
  redis = false;
  assert.deepEqual(await ask(), [200, half, { cache: down, database: up }]);
  postgres = false;
  assert.deepEqual(await ask(), [503, down, { cache: down, database: down }]);
  redis = true;
  assert.deepEqual(await ask(), [503, down, { cache: up, database: down }]);
  postgres = true;
  assert.deepEqual(await ask(), [200, up, { cache: up, database: up }]);
});

test("4 a degraded critical component makes the service degraded", async () => {
  const { health, status } = kit();
  health.started();
  health.add("bus", {
    check: () => Promise.resolve({ status: "degraded", details: { lag: "9" } }),
  });
  assert.equal((await health.report()).status, ServiceStatus.DEGRADED);
  assert.equal(await status("ready"), 200);
});

const ODD: [string, () => unknown, number][] = [
  ["nothing", () => undefined, ServiceStatus.HEALTHY],
  ["true", () => true, ServiceStatus.HEALTHY],
  ["false", () => false, ServiceStatus.UNHEALTHY],
  ["null", () => null, ServiceStatus.UNHEALTHY],
  ["text", () => "ok", ServiceStatus.UNHEALTHY],
  ["an unknown status", () => ({ status: "fine" }), ServiceStatus.UNHEALTHY],
  ["an empty object", () => ({}), ServiceStatus.UNHEALTHY],
  ["a throw", () => {
    throw new Error("x");
  }, ServiceStatus.UNHEALTHY],
  ["a throw of nothing", () => Promise.reject(undefined), ServiceStatus.UNHEALTHY],
  ["a getter that throws", () => ({
    get status() {
      throw new Error("x");
    },
  }), ServiceStatus.UNHEALTHY],
];

for (const [name, check, expected] of ODD) {
  test(`report() takes ${name} of a check for status ${expected}`, async () => {
    const { health } = kit();
    health.add("odd", check as () => boolean);
    const answer = await health.report();
    assert.equal(answer.components[0]!.status, expected);
    validate(HealthCheckResponseSchema, answer);
  });
}

test("report() cuts messages and details to the bounds of the contract", async () => {
  const { health } = kit();
  const details = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`k${i}`.padEnd(80, "x"), "v".repeat(2000)]),
  );
  const report: HealthReport = { status: "down", message: "\ud83d".repeat(5000), details };
  health.add("odd", () => ({ ...report, details: { "": "x", ...details } }));
  const answer = await health.report();
  validate(HealthCheckResponseSchema, answer);
  assert.equal(answer.components[0]!.message.length, 1024);
  assert.equal(Object.keys(answer.components[0]!.details).length, 32);
});

test("5 one failure in ten never flips readiness with a failure threshold of 2", async () => {
  const { health, clock, status } = kit({ failureThreshold: 2 });
  health.started();
  let turn = 0;
  health.add("database", () => turn++ % 10 !== 5);
  for (let i = 0; i < 50; i++) {
    assert.equal(await status("ready"), 200);
    await clock.advance(1000);
  }
});

test("5 thresholds count failures before down and successes before up, from the last word on", async () => {
  const { health, clock } = kit({ failureThreshold: 3, successThreshold: 2 });
  const plan = "ffssffsfffsfss";
  let at = 0;
  health.add("database", () => plan[at++] === "s");
  let seen = "";
  for (let i = 0; i < plan.length; i++) {
    const [component] = (await health.report()).components;
    seen += component!.status === ServiceStatus.HEALTHY
      ? "H"
      : component!.status === ServiceStatus.DEGRADED
      ? "D"
      : "U";
    await clock.advance(1000);
  }
  // The first failures are down at once: it has never been up.
  assert.equal(seen, "UUUHDDHDDUUUUH");
});

test("6 add() watches what has a check of its own, until told to stop", async () => {
  const { health } = kit();
  class Pool implements Checkable {
    #up = true;
    check(): Promise<HealthReport> {
      return Promise.resolve({ status: this.#up ? "ok" : "down" });
    }
  }
  const stop = health.add("database", new Pool());
  assert.equal((await health.report()).components.length, 1);
  stop();
  health.add("database", () => false);
  stop();
  assert.equal((await health.report()).components[0]!.status, ServiceStatus.UNHEALTHY);
});

test("X9 probes are answered within 100 ms while a dependency is black-holed, one check at a time", async () => {
  const { health, clock, status } = kit();
  health.started();
  let hole = false;
  let runs = 0;
  health.add("database", () => {
    runs++;
    return hole ? new Promise<boolean>(() => {}) : true;
  });
  assert.equal(await status("ready"), 200);
  hole = true;
  let slowest = 0;
  let first503 = Infinity;
  const began = clock.monotonic();
  for (let i = 0; i < 100; i++) {
    await clock.advance(100);
    const asked = clock.monotonic();
    const answers = Promise.all(Array.from({ length: 10 }, async () => {
      const code = await status("ready");
      slowest = Math.max(slowest, clock.monotonic() - asked);
      if (code === 503) first503 = Math.min(first503, clock.monotonic() - began);
    }));
    await clock.advance(60);
    await answers;
  }
  assert.ok(slowest < 100, `slowest answer took ${slowest} ms`);
  assert.ok(runs <= 3, `${runs} checks`);
  assert.ok(first503 <= 3200, `503 after ${first503} ms`);
});

test("X9 a result of long ago is not taken for news", async () => {
  const { health, clock, status } = kit();
  health.started();
  const gate = Promise.withResolvers<boolean>();
  let slow = false;
  health.add("database", () => slow ? gate.promise : true);
  assert.equal(await status("ready"), 200);
  slow = true;
  await clock.advance(60_000);
  const asked = status("ready");
  await clock.advance(1000);
  gate.resolve(false);
  assert.equal(await asked, 503);
});

test("report() ends the wait of one caller by its signal and goes on for the others", async () => {
  const { health } = kit();
  const gate = Promise.withResolvers<boolean>();
  health.add("database", () => gate.promise);
  const controller = new AbortController();
  const impatient = health.report({ signal: controller.signal });
  const patient = health.report();
  controller.abort(new Error("gone"));
  await assert.rejects(impatient, /gone/);
  gate.resolve(true);
  assert.equal((await patient).components[0]!.status, ServiceStatus.HEALTHY);
  await assert.rejects(health.report({ signal: AbortSignal.abort(new Error("gone")) }), /gone/);
});

test("report() of a check that asks for a report itself ends at the timeout", async () => {
  const { health, clock } = kit();
  health.add("odd", async () => {
    await health.report();
  });
  const asked = health.report();
  await clock.advance(2000);
  assert.equal((await asked).components[0]!.status, ServiceStatus.UNHEALTHY);
});

test("close() ends checks under way and leaves no timer", async () => {
  const { health, clock } = kit();
  let signal: AbortSignal | undefined;
  health.add("database", (wait) => {
    signal = wait.signal;
    return new Promise<boolean>(() => {});
  });
  health.started();
  const asked = health.report();
  await clock.advance(10);
  await health[Symbol.asyncDispose]();
  assert.equal((await asked).status, ServiceStatus.STOPPING);
  assert.equal(signal?.aborted, true);
  assert.equal(clock.pending, 0);
  assert.equal((await health.report()).status, ServiceStatus.STOPPING);
});

test("add(), beat() and open() refuse bad names, doubles and limits out of range", () => {
  const { health } = kit();
  health.add("database", () => true);
  health.beat("loop", { within: "1s" });
  const invalid = { code: "CQI_OPTION_INVALID" };
  for (const name of ["", "Database", "a b", "a\n", "9a", "x".repeat(65), "database"]) {
    assert.throws(() => health.add(name, () => true), invalid, name);
  }
  for (const name of ["", "A", "loop"]) {
    assert.throws(() => health.beat(name, { within: "1s" }), invalid);
  }
  for (const within of [0, -1, NaN, Infinity, "2d", "x"]) {
    assert.throws(
      () => health.beat("other", { within: within as number }),
      invalid,
      String(within),
    );
  }
  for (const timeout of [0, 60_001, NaN, "2h"]) {
    assert.throws(() => health.add("other", () => true, { timeout: timeout as number }), invalid);
  }
  for (const failureThreshold of [0, 101, 1.5]) {
    assert.throws(() => health.add("other", () => true, { failureThreshold }), invalid);
  }
  assert.throws(() => kit({ failureThreshold: 0 }), { code: "CQI_CONTRACT_INVALID" });
  assert.throws(() => kit({ details: "sometimes" }), { code: "CQI_CONTRACT_INVALID" });
  assert.throws(() => open({}, { service: { name: "", version: "1" } }), invalid);
});
