import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sleep, systemClock } from "../../core/mod.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { realPostgres } from "../../testing/real_postgres.ts";
import { startChild } from "../_child.ts";
import { real } from "../_real.ts";
import { until } from "../_until.ts";
import { MAIN, runTape, withTape } from "../examples/_tape.ts";
import { report } from "./_report.ts";

const TRADES = fileURLToPath(new URL("../../examples/tape/trades.csv", import.meta.url));
const ROWS = 400;
/** Deliveries after which a run is killed: soon, in the middle, near its end. */
const KILLS = [1, 300, 900];
/** What of a summary does not depend on how often the run was started. */
const LASTING = ["rows", "skipped", "candles", "volume", "notional", "lastPrice", "position"]
  .concat("cash", "events", "deadLettered", "disagreements", "agrees");

const postgres = await real(() => realPostgres());
const broker = postgres === undefined ? undefined : await real(() => realKafka());

/** Deliveries that were settled so far, as the metrics say; 0 while nobody answers. */
async function settled(url: string): Promise<number> {
  // So that the asking is no load of its own.
  await sleep(systemClock, 10);
  try {
    const body = await (await fetch(`${url}/metrics`)).text();
    return body.split("\n").filter((line) => line.startsWith("cqi_bus_consumed_total{"))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  } catch {
    // Not listening yet, or ended already: the caller looks at that.
    return 0;
  }
}

if (postgres !== undefined && broker !== undefined) {
  test("K17: the tape on Kafka and PostgreSQL with its outbox on, killed at any moment and started again, ends as the tape says", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tape-faults-"));
    const config = join(folder, "config.yaml");
    // JSON is YAML. Members that died are given up after 6 s, the least that brokers take.
    await writeFile(
      config,
      JSON.stringify({
        event_bus: {
          driver: "kafka",
          kafka: {
            brokers: broker.brokers,
            session_timeout: "6s",
            heartbeat_interval: "0.5s",
          },
          topic_prefix: `faults.tape.${crypto.randomUUID()}.`,
          ensure_topics: true,
        },
        database: {
          driver: "postgres",
          postgres: {
            host: postgres.host,
            port: postgres.port,
            user: postgres.user,
            database: postgres.database,
            password: { env: "TAPE_PASSWORD" },
            ssl_mode: "disable",
          },
        },
        tape: { outbox: true },
      }),
    );
    // Variables of the tests are no settings of the example.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CQI_"));
    const env = { ...Object.fromEntries(own), TAPE_PASSWORD: postgres.password };
    const rows = (await readFile(TRADES, "utf8")).split("\n").slice(1, ROWS + 1);
    try {
      await withTape(rows, async (tape) => {
        const args = ["--summary", "json", "--tape", tape, "--config", config];
        let killed = 0;
        for (const deliveries of KILLS) {
          const child = startChild(MAIN, args, { env });
          const [url] = await child.until(/http:\/\/127\.0\.0\.1:\d+/);
          let isOver = false;
          void child.ended.then(() => isOver = true);
          const far = async (): Promise<boolean> => isOver || await settled(url) >= deliveries;
          await until(far, `${deliveries} deliveries`);
          if (!isOver) {
            child.kill("SIGKILL");
            killed++;
          }
          await child.ended;
        }
        const { code, stdout, stderr } = await startChild(MAIN, args, { env }).ended;
        const last = stdout.trimEnd().split("\n").at(-1) ?? "";
        assert(last.startsWith("{"), `${stdout}\n${stderr}`);
        const summary: Record<string, unknown> = JSON.parse(last);
        assert.equal(code, 0, last);
        const { summary: direct } = await runTape(["--tape", tape]);
        const pick = (from: Record<string, unknown>): unknown[] =>
          LASTING.map((name) => [name, from[name]]);
        assert.deepEqual(pick(summary), pick(direct));
        report(`K17: tape, ${killed} runs killed, ${JSON.stringify(summary["events"])}`);
        assert.equal(killed, KILLS.length);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
