import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleSink, type LogSink } from "../../logging/mod.ts";
import { recorded } from "./_lines.ts";

function terminal(lines: string[], hasColors = false): LogSink {
  return {
    write: (line) => void lines.push(line),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
    isTerminal: true,
    hasColors,
  };
}

test("open writes for people when the sink is a terminal", async () => {
  const lines: string[] = [];
  const { log } = await recorded({}, { sink: terminal(lines) });
  log.warn("Order placed", { component: "bus", quantity: 7n, note: "a b" });
  assert.deepEqual(lines, ['00:00:00.000 WARN  bus: Order placed quantity=7 note="a b"']);
});

test("open writes JSON to a terminal when the configuration says so", async () => {
  const lines: string[] = [];
  const { log } = await recorded({ format: "json" }, { sink: terminal(lines) });
  log.info("m");
  assert.equal(JSON.parse(lines[0]!).message, "m");
});

test("open colours only where the sink takes colours", async () => {
  const lines: string[] = [];
  const { log } = await recorded({ format: "pretty" }, { sink: terminal(lines, true) });
  log.error("m");
  assert.ok(lines[0]!.includes("\x1b[31mERROR\x1b[0m"));
});

test("open lets no control character through to a terminal", async () => {
  const lines: string[] = [];
  const { log } = await recorded({}, { sink: terminal(lines) });
  const evil = "\x1b]0;owned\x07\x1b[2J\u009b\u202e\r";
  log.error(evil, { [evil]: evil, component: evil, error: new Error(evil) });
  // deno-lint-ignore no-control-regex -- control characters are what the test looks for
  assert.doesNotMatch(lines.join(""), /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
});

test("open shows an error's stack below the line", async () => {
  const lines: string[] = [];
  const { log } = await recorded({}, { sink: terminal(lines) });
  log.error("m", { error: new Error("boom") });
  assert.match(lines[0]!, /ERROR m\n {2}Error: boom\n {2,}at /);
});

test("consoleSink drops and counts after close", async () => {
  const sink = consoleSink();
  await sink.close();
  await sink.flush();
  sink.write("never seen");
  assert.equal(sink.dropped, 1);
});
