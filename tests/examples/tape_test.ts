import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startChild } from "../_child.ts";
import { MAIN, runTape, TIMEOUT, withTape } from "./_tape.ts";

test(
  "the tape of real trades ends as the tape says, on every runtime alike",
  TIMEOUT,
  async () => {
    const { code, summary } = await runTape([]);
    assert.equal(code, 0);
    const { seconds: _s, eventsPerSecond: _e, p50Ms: _p, p99Ms: _q, url: _u, ...exact } = summary;
    assert.deepEqual(exact, {
      rows: 12477,
      skipped: 0,
      events: {
        "cqc.events.v1.PriceUpdated": 12477,
        "cqc.events.v1.OrderPlaced": 93,
        "cqc.events.v1.PositionChanged": 93,
        "cqc.events.v1.RiskAlert": 3,
      },
      handled: 37620,
      retried: 0,
      deadLettered: 0,
      candles: 2469,
      volume: "5545735",
      notional: "8182.56026789",
      lastPrice: "0.00152787",
      position: "2500",
      cash: "6.317744645",
      disagreements: [],
      agrees: true,
    });
  },
);

test("a broken line of a tape is named by its number, skipped and counted", TIMEOUT, async () => {
  const rows = [
    "1,1570752011620,sell,0.00141342,23.0",
    "2,1570752011620,sell,1e5,54.0",
    "3,1570752011621,hold,0.001,1",
    "4,not-a-time,buy,0.001,1",
    "5,1570752071621,buy,0.00142,-1",
    "6,1570752071621,buy,0.00142",
    "7,1570752071621,buy,NaN,1",
    "8,99999999999999999999,buy,0.001,1",
    "9,1570752131621,buy,0.0015,0.5",
  ];
  await withTape(rows, async (path) => {
    const { code, summary, stderr } = await runTape(["--tape", path]);
    assert.equal(code, 0);
    assert.equal(summary.rows, 2);
    assert.equal(summary.skipped, 7);
    assert.equal(summary.volume, "23.5");
    assert.equal(summary.candles, 2);
    const named = stderr.split("\n").filter((line) => line.includes("Line of the tape skipped"))
      .map((line) => JSON.parse(line).attributes.line);
    assert.deepEqual(named, [3, 4, 5, 6, 7, 8, 9]);
  });
});

test("an id that comes again counts once, with what it said first", TIMEOUT, async () => {
  const rows = [
    "1,1570752011620,sell,0.5,2",
    "1,1570752011620,sell,0.5,2",
    "1,1570752011621,buy,0.9,3",
    "2,1570752011622,buy,0.25,4",
    "1,1570752011623,buy,0.1,5",
  ];
  await withTape(rows, async (path) => {
    const { code, summary } = await runTape(["--tape", path]);
    assert.equal(code, 0, String(summary.disagreements));
    const { rows, volume, notional, lastPrice, position, agrees } = summary;
    assert.deepEqual({ rows, volume, notional, lastPrice, position, agrees }, {
      rows: 5,
      volume: "6",
      notional: "2",
      lastPrice: "0.25",
      // One sale, at the price of trade 2: those under id 1 that differ moved nothing.
      position: "-500",
      agrees: true,
    });
  });
});

test(
  "the largest and smallest prices and amounts of a tape agree to the digit",
  TIMEOUT,
  async () => {
    const [large, small] = ["9".repeat(15), `0.${"0".repeat(17)}1`];
    const rows = [
      `1,0,buy,${large},${large}`,
      `2,1,sell,${small},${small}`,
      `3,2,sell,${large},${small}`,
      `4,3,sell,${"9".repeat(38)},1`,
    ];
    await withTape(rows, async (path) => {
      const { code, summary } = await runTape(["--tape", path]);
      assert.equal(code, 0, String(summary.disagreements));
      assert.deepEqual([summary.rows, summary.skipped, summary.disagreements], [3, 1, []]);
    });
  },
);

test("health and metrics answer while the tape runs", TIMEOUT, async () => {
  await withTape(["1,0,sell,0.5,2", "2,60000,buy,0.25,4"], async (path) => {
    const child = startChild(MAIN, ["--tape", path, "--speed", "10"]);
    const [url] = await child.until(/http:\/\/127\.0\.0\.1:\d+/);
    for (const path of ["/health/live", "/health/ready"]) {
      const response = await fetch(`${url}${path}`);
      assert.equal(response.status, 200);
      assert.equal((await response.json()).status, "SERVICE_STATUS_HEALTHY");
    }
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /cqi_bus_published_total\{[^}]*price_updated/);
    child.kill("SIGTERM");
    await child.ended;
  });
});

test(
  "a configuration with mistakes is refused with each of them and its place",
  TIMEOUT,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "tape-"));
    try {
      const path = join(folder, "broken.yaml");
      await writeFile(
        path,
        "service: { name: tape, version: 1.0.0, environment: moon }\nevent_bus:\n  drivr: memory\n  concurrency: 0\n",
      );
      const { code, stderr } = await startChild(MAIN, ["--config", path]).ended;
      assert.equal(code, 2);
      for (const place of ["broken.yaml:1", "broken.yaml:3", "broken.yaml:4"]) {
        assert.ok(stderr.includes(place), stderr);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("an empty tape agrees with itself", TIMEOUT, async () => {
  await withTape([], async (path) => {
    const { code, summary } = await runTape(["--tape", path]);
    assert.equal(code, 0);
    assert.deepEqual([summary.rows, summary.candles, summary.volume, summary.lastPrice], [
      0,
      0,
      "0",
      null,
    ]);
  });
});
