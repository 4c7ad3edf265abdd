import assert from "node:assert/strict";
import { test } from "node:test";
import { startChild } from "../_child.ts";
import { until } from "../_until.ts";
import { MAIN, runTape, TIMEOUT, withTape } from "./_tape.ts";

const ROW = "1,0,sell,0.5,2";

test("SIGTERM in the middle says how far it came and ends with 130", TIMEOUT, async () => {
  await withTape([ROW, "2,86400000,buy,0.25,4"], async (path) => {
    const child = startChild(MAIN, ["--tape", path, "--speed", "1"]);
    const [url] = await child.until(/http:\/\/127\.0\.0\.1:\d+/);
    const published = async (): Promise<boolean> =>
      /published_total\{[^}]*price_updated[^}]*\} 1\b/.test(
        await (await fetch(`${url}/metrics`)).text(),
      );
    await until(published, "the first row to be published");
    child.kill("SIGTERM");
    const { code, stdout } = await child.ended;
    assert.equal(code, 130, stdout);
    const line = stdout.split("\n").find((text) => text.includes('"Interrupted"')) ?? "{}";
    assert.deepEqual(JSON.parse(line).attributes, {
      rows: 1,
      skipped: 0,
      reason: "Stopped by SIGTERM",
    });
  });
});

test("standard output that takes nothing is said on standard error", TIMEOUT, async () => {
  await withTape([ROW], async (path) => {
    const child = startChild(MAIN, ["--tape", path]);
    child.process.stdout!.destroy();
    const { code, stderr } = await child.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^Cannot write the summary: .*(EPIPE|Broken pipe)/im);
  });
});

test("a tape that is not there is refused before anything starts", TIMEOUT, async () => {
  const { code, stdout, stderr } = await startChild(MAIN, ["--tape", "nowhere.csv"]).ended;
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^Cannot read the tape nowhere\.csv: .*ENOENT/);
});

test("a port that is not one is refused by the name of its option", TIMEOUT, async () => {
  const { code, stderr } = await startChild(MAIN, ["--port", "1e3"]).ended;
  assert.equal(code, 2);
  assert.match(stderr, /^--port is '1e3'/);
});

test("a tape whose lines are all broken does not pass", TIMEOUT, async () => {
  await withTape(["1;0;sell;0.5;2", "nonsense"], async (path) => {
    const { code, summary } = await runTape(["--tape", path]);
    assert.equal(code, 1);
    assert.equal(summary.skipped, 2);
    assert.deepEqual(summary.disagreements, ["none of the 2 lines is a trade"]);
  });
});
