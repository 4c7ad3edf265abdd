import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "../../examples/tape/options.ts";
import { showProgress } from "../../examples/tape/progress.ts";
import { fakeClock } from "../../testing/mod.ts";

test("readOptions gives defaults for what is not said", () => {
  const { speed, port, json, tape } = readOptions([]);
  assert.deepEqual({ speed, port, json, tape }, {
    speed: Infinity,
    port: undefined,
    json: false,
    tape: undefined,
  });
});

test("readOptions takes a port from 0 to 65535 and names --port otherwise", () => {
  assert.equal(readOptions(["--port", "0"]).port, 0);
  assert.equal(readOptions(["--port", "65535"]).port, 65_535);
  for (const text of ["", " ", "1e3", "-1", "65536", "0x10", "80.0"]) {
    assert.throws(() => readOptions([`--port=${text}`]), { message: /^--port is '.*', wanted/ });
  }
});

test("readOptions names --speed and --summary when they are wrong", () => {
  for (const text of ["", "0", "-1", "fast"]) {
    assert.throws(() => readOptions([`--speed=${text}`]), { message: /^--speed is '.*', wanted/ });
  }
  assert.throws(() => readOptions(["--summary", "xml"]), {
    message: /^--summary is 'xml', wanted/,
  });
});

test("showProgress keeps its line up to date by time and leaves a clear line", async () => {
  const clock = fakeClock();
  const written: string[] = [];
  let rows = 0;
  {
    using _progress = showProgress(clock, (text) => written.push(text), () => `${rows} trades`);
    rows = 7;
    await clock.advance(500);
  }
  assert.deepEqual(written, [
    "\x1b[2K0 trades\r",
    "\x1b[2K7 trades\r",
    "\x1b[2K7 trades\r",
    "\x1b[2K\r",
  ]);
  assert.equal(clock.pending, 0);
});
