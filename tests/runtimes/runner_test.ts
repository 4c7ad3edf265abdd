import assert from "node:assert/strict";
import test from "node:test";
import { contractTable } from "../../tools/test_runner/contract_table.ts";
import { counts } from "../../tools/test_runner/counts.ts";
import { compareRuntimes, type Difference } from "../../tools/test_runner/differences.ts";
import { parseJunit, type TestCase } from "../../tools/test_runner/junit.ts";
import { plan, suiteOf } from "../../tools/test_runner/plan.ts";
import { forgiveKnown, totals, totalsLines } from "../../tools/test_runner/report.ts";
import { type FileResult, withWholeFile } from "../../tools/test_runner/run.ts";
import { type RuntimeName, RUNTIMES } from "../../tools/test_runner/runtimes.ts";

const FILE = "tests/core/clock_test.ts";
const PASSED: TestCase = { name: "a", outcome: "passed", detail: "" };
const FAILED: TestCase = { name: "a", outcome: "failed", detail: "1 is not 2" };
const SKIPPED: TestCase = { name: "a", outcome: "skipped", detail: "no backend" };
const SECOND: TestCase = { name: "b", outcome: "passed", detail: "" };

function result(runtime: RuntimeName, ...cases: TestCase[]): FileResult {
  return { job: { file: FILE, runtime, suite: suiteOf(FILE) }, cases, seconds: 1, output: "" };
}

function compare(list: readonly Difference[], ...results: FileResult[]): string[] {
  return compareRuntimes(results, RUNTIMES, list);
}

test("parseJunit() reads names with escapes and a raw bracket", () => {
  const xml = `<testcase name="a &amp; <b> &quot;c&quot; &#x41;" time="0"/>`;
  assert.deepEqual(parseJunit(xml).map((each) => each.name), [`a & <b> "c" A`]);
});

test("parseJunit() reads a failure's text and falls back to its message", () => {
  const xml = `<testcase name="a"><failure message="m">t &lt;1&gt;</failure></testcase>` +
    `<testcase name="b"><failure message="m"/></testcase>`;
  assert.deepEqual(parseJunit(xml).map((each) => each.detail), ["t <1>", "m"]);
});

test("parseJunit() reads a skip and its reason", () => {
  const xml = `<testcase name="a" time="0">\n<skipped type="skipped" message="no x"/>\n</testcase>`;
  assert.deepEqual(parseJunit(xml), [{ name: "a", outcome: "skipped", detail: "no x" }]);
});

test("parseJunit() reads a quote that Node has escaped twice", () => {
  assert.deepEqual(parseJunit(`<testcase name="a &amp;quot;b&amp;quot;"/>`)[0]?.name, `a "b"`);
});

test("parseJunit() gives a line break in a name the same form everywhere", () => {
  const names = [`a\\nb`, `a&#10;b`, `a\nb`].map((name) => `<testcase name="${name}"/>`);
  assert.deepEqual(parseJunit(names.join("")).map((each) => each.name), [
    "a\\nb",
    "a\\nb",
    "a\\nb",
  ]);
});

test("parseJunit() ignores what Node writes into comments", () => {
  assert.deepEqual(parseJunit(`<!-- <testcase name="x"/> --><testcase name="a"/>`), [PASSED]);
});

test("withWholeFile() adds a failed test for an exit code that no test explains", () => {
  assert.deepEqual(withWholeFile([PASSED], 1, false, 1000).map((each) => each.outcome), [
    "passed",
    "failed",
  ]);
});

test("withWholeFile() adds a failed test for a file without tests", () => {
  assert.equal(withWholeFile([], 0, false, 1000)[0]?.outcome, "failed");
});

test("withWholeFile() adds nothing when a test has the blame", () => {
  assert.deepEqual(withWholeFile([FAILED], 1, false, 1000), [FAILED]);
});

test("suiteOf() takes a folder of its own name and unit for the rest", () => {
  assert.equal(suiteOf("tests/architecture/layers_test.ts").name, "architecture");
  assert.equal(suiteOf(FILE).name, "unit");
});

test("plan() runs a unit file on each runtime and an architecture file once", () => {
  const files = [FILE, "tests/architecture/layers_test.ts"];
  const jobs = plan(files, { runtimes: [], suites: [], filters: [] });
  assert.deepEqual(jobs.map((job) => job.runtime), ["deno", "node", "bun", "deno"]);
});

test("plan() runs the main fault files on each runtime and the others once", () => {
  const files = ["tests/faults/redis_outage_test.ts", "tests/faults/redis_network_test.ts"];
  const jobs = plan(files, { runtimes: [], suites: [], filters: [] });
  assert.deepEqual(jobs.map(({ file, runtime }) => `${file.slice(13)} ${runtime}`), [
    "redis_network_test.ts deno",
    "redis_outage_test.ts deno",
    "redis_outage_test.ts node",
    "redis_outage_test.ts bun",
  ]);
});

test("plan() keeps to the runtimes, suites and paths that are asked for", () => {
  const files = [FILE, "tests/core/other_test.ts", "tests/contract/bus_test.ts"];
  const jobs = plan(files, { runtimes: ["bun"], suites: ["unit"], filters: ["clock"] });
  assert.deepEqual(jobs.map((job) => `${job.runtime} ${job.file}`), [`bun ${FILE}`]);
});

test("compareRuntimes() is content when every runtime ran the same tests", () => {
  const results = RUNTIMES.map((name) => result(name, PASSED, SECOND));
  assert.deepEqual(compare([], ...results), []);
});

test("compareRuntimes() names a test that one runtime did not run", () => {
  const results = [result("deno", PASSED, SECOND), result("node", PASSED, SECOND)];
  const complaints = compare([], ...results, result("bun", PASSED));
  assert.equal(complaints.length, 1);
  assert.match(complaints[0]!, /"b" differs .* deno passed, node passed, bun absent/);
});

test("compareRuntimes() names a test that one runtime skipped", () => {
  const complaints = compare(
    [],
    result("deno", PASSED),
    result("node", SKIPPED),
    result("bun", PASSED),
  );
  assert.equal(complaints.length, 1);
});

test("compareRuntimes() accepts a listed difference", () => {
  const list: Difference[] = [
    { runtime: "node", file: FILE, test: "a", state: "skipped", reason: "x" },
  ];
  const results = [result("deno", PASSED), result("node", SKIPPED), result("bun", PASSED)];
  assert.deepEqual(compare(list, ...results), []);
});

test("compareRuntimes() names a listed difference that no longer differs", () => {
  const list: Difference[] = [
    { runtime: "node", file: FILE, test: "a", state: "skipped", reason: "x" },
  ];
  const complaints = compare(list, ...RUNTIMES.map((name) => result(name, PASSED)));
  assert.deepEqual(complaints.length, 1);
  assert.match(complaints[0]!, /listed as skipped on node and is passed/);
});

test("compareRuntimes() names a listed test that is gone", () => {
  const list: Difference[] = [
    { runtime: "node", file: FILE, test: "gone", state: "failed", reason: "x" },
  ];
  const complaints = compare(list, ...RUNTIMES.map((name) => result(name, PASSED)));
  assert.match(complaints.join(), /"gone" is listed as failed on node and is gone/);
});

test("compareRuntimes() names a listed file that runs after all", () => {
  const list: Difference[] = [{ runtime: "bun", file: FILE, state: "failed", reason: "x" }];
  const complaints = compare(list, ...RUNTIMES.map((name) => result(name, PASSED)));
  assert.match(complaints.join(), /the file is listed as different on bun and is not/);
});

test("forgiveKnown() turns a listed failure into a skip and leaves others", () => {
  const list: Difference[] = [
    { runtime: "bun", file: FILE, test: "a", state: "failed", reason: "bun issue 1" },
  ];
  const judged = forgiveKnown([result("bun", FAILED), result("node", FAILED)], list);
  assert.deepEqual(judged.map((each) => each.cases[0]?.outcome), ["skipped", "failed"]);
});

test("totalsLines() ends with what passed and failed", () => {
  assert.equal(totalsLines(totals([result("deno", PASSED, FAILED)])), "1 passed, 1 failed");
});

test("totalsLines() says skips on the line before the last", () => {
  const lines = totalsLines(totals([result("deno", SKIPPED, SECOND)]));
  assert.equal(lines, "1 skipped\n1 passed, 0 failed");
});

test("contractTable() has a row for each driver and a column for each runtime", () => {
  const of = (file: string, runtime: RuntimeName, ...cases: TestCase[]): FileResult => ({
    job: { file: `tests/${file}_test.ts`, runtime, suite: suiteOf(file) },
    cases,
    seconds: 1,
    output: "",
  });
  const results = [
    of("contract/cache_redis", "deno", PASSED, SECOND),
    of("contract/bus_kafka", "bun", PASSED, FAILED),
    of("contract/bus_kafka", "deno", PASSED, SKIPPED),
    of("bus/headers", "deno", PASSED),
  ];
  assert.deepEqual(contractTable(results).split("\n").map((line) => line.split(/ {2,}/)), [
    ["contract suite", ...RUNTIMES],
    ["bus kafka", "1, 1 not declared", "-", "1, 1 failed"],
    ["cache redis", "2", "-", "-"],
  ]);
});

test("contractTable() is empty when no contract suite ran", () => {
  assert.equal(contractTable([result("deno", PASSED)]), "");
});

test("counts() finds the counted lines among the output, with their runtime", () => {
  const output = "------- output -------\ncounted K1: 0 missing\nnot counted\ncounted P3: 5\n";
  assert.equal(
    counts([{ ...result("bun", PASSED), output }]),
    "counted bun K1: 0 missing\ncounted bun P3: 5",
  );
});
