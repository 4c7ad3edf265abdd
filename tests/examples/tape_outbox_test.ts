import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../_child.ts";
import { until } from "../_until.ts";
import { MAIN, runTape, TIMEOUT, withTape } from "./_tape.ts";

const TRADES = fileURLToPath(new URL("../../examples/tape/trades.csv", import.meta.url));
/** Deliveries after which each run is killed, from the first moments to the last ones. */
const KILLS = [1, 150, 700, 1200];
const ROWS = 500;

/** Deliveries that were settled so far, as the metrics say; 0 while nobody answers. */
async function settled(url: string): Promise<number> {
  try {
    const body = await (await fetch(`${url}/metrics`)).text();
    return body.split("\n").filter((line) => line.startsWith("cqi_bus_consumed_total{"))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  } catch {
    // Not listening yet, or ended already: the caller looks at that.
    return 0;
  }
}

test(
  "a tape with an outbox that is killed at any moment and started again ends as the tape says",
  TIMEOUT,
  async () => {
    const rows = (await readFile(TRADES, "utf8")).split("\n").slice(1, ROWS + 1);
    const state = await mkdtemp(join(tmpdir(), "tape-state-"));
    try {
      await withTape(rows, async (path) => {
        let killed = 0;
        for (const deliveries of KILLS) {
          const args = ["--summary", "json", "--tape", path, "--state", state];
          const child = startChild(MAIN, args);
          const [url] = await child.until(/http:\/\/127\.0\.0\.1:\d+/);
          let isOver = false;
          void child.ended.then(() => isOver = true);
          await until(
            async () => isOver || await settled(url) >= deliveries,
            `${deliveries} deliveries`,
          );
          if (!isOver) {
            child.kill("SIGKILL");
            killed++;
          }
          await child.ended;
        }
        const { code, summary, stderr } = await runTape(["--tape", path, "--state", state]);
        assert.equal(code, 0, JSON.stringify(summary.disagreements));
        assert.match(stderr, /Going on where an earlier run was/);
        const { summary: direct } = await runTape(["--tape", path]);
        const same = ["rows", "skipped", "candles", "volume", "notional", "lastPrice", "position"];
        for (const name of [...same, "cash", "events", "deadLettered", "agrees"]) {
          assert.deepEqual(summary[name], direct[name], name);
        }
        process.stdout.write(`tape: ${killed} runs killed, ${JSON.stringify(summary.events)}\n`);
        assert.ok(killed >= 3, `${killed}`);
      });
    } finally {
      await rm(state, { recursive: true, force: true });
    }
  },
);
