import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { stdioSink } from "../../../internal/runtime/stdio.ts";
import type { ByteTarget } from "../../../internal/runtime/stdio_target.ts";
import { fakeClock } from "../../../testing/fake_clock.ts";

interface FakeTarget extends ByteTarget {
  text(): string;
  exit(): void;
  /** Next writes: how many bytes are taken, an error, or `hang`. */
  plan: (number | Error | "hang")[];
}

function fakeTarget(): FakeTarget {
  let bytes = "";
  let onExit: (() => void) | undefined;
  const plan: (number | Error | "hang")[] = [];
  const take = (chunk: Uint8Array, count: number): number => {
    bytes += new TextDecoder().decode(chunk.subarray(0, count));
    return Math.min(count, chunk.length);
  };
  return {
    plan,
    text: () => bytes,
    exit: () => onExit?.(),
    write(chunk) {
      const step = plan.shift() ?? chunk.length;
      if (step === "hang") return new Promise(() => {});
      if (step instanceof Error) return Promise.reject(step);
      return Promise.resolve(take(chunk, step));
    },
    writeSync(chunk) {
      const step = plan.shift() ?? chunk.length;
      if (step instanceof Error) throw step;
      return take(chunk, step === "hang" ? 0 : step);
    },
    settle: () => {},
    isTerminal: false,
    hasColors: false,
    onExit(callback) {
      onExit = callback;
      return () => (onExit = undefined);
    },
  };
}

const coded = (code: string): Error => Object.assign(new Error(code), { code });

test("stdioSink writes lines in order, each with a line feed", async () => {
  const target = fakeTarget();
  const sink = stdioSink({ fd: 1, target });
  sink.write("a");
  sink.write("b");
  await sink.flush();
  sink.write("c");
  await sink.close();
  assert.equal(target.text(), "a\nb\nc\n");
});

test("stdioSink goes on where a short write ended", async () => {
  const target = fakeTarget();
  target.plan.push(1, 2, 1);
  const sink = stdioSink({ fd: 1, target });
  sink.write("abcdef");
  await sink.flush();
  assert.equal(target.text(), "abcdef\n");
});

test("stdioSink drops and counts what its queue has no room for", async () => {
  const target = fakeTarget();
  target.plan.push("hang");
  const sink = stdioSink({ fd: 1, target, maxQueueBytes: 4096 });
  sink.write("first");
  await Promise.resolve();
  for (let i = 0; i < 1000; i++) sink.write("x".repeat(99));
  assert.equal(sink.dropped, 1000 - 40);
});

test("stdioSink writes lines longer than a chunk, and beyond ASCII", async () => {
  const target = fakeTarget();
  const sink = stdioSink({ fd: 1, target });
  const lines = ["a", "é\u{1f600}".repeat(50_000), "", "b".repeat(70_000), "c"];
  for (const line of lines) sink.write(line);
  await sink.flush();
  for (const line of lines) sink.write(line);
  await sink.flush();
  assert.equal(target.text(), `${lines.join("\n")}\n`.repeat(2));
  assert.equal(sink.dropped, 0);
});

test("stdioSink gives up for good when nobody reads", async () => {
  const target = fakeTarget();
  target.plan.push(coded("EPIPE"));
  const sink = stdioSink({ fd: 1, target });
  sink.write("a");
  sink.write("b");
  await sink.flush();
  sink.write("c");
  await sink.flush();
  assert.equal(sink.dropped, 3);
  assert.equal(target.text(), "");
});

test("stdioSink drops a chunk that the disk has no room for, and goes on", async () => {
  const target = fakeTarget();
  target.plan.push(coded("ENOSPC"));
  const sink = stdioSink({ fd: 1, target });
  sink.write("a");
  await sink.flush();
  sink.write("b");
  await sink.flush();
  assert.equal(sink.dropped, 1);
  assert.equal(target.text(), "b\n");
});

test("stdioSink tries again after EAGAIN", async () => {
  const target = fakeTarget();
  const clock = fakeClock();
  target.plan.push(coded("EAGAIN"));
  const sink = stdioSink({ fd: 1, target, clock });
  sink.write("a");
  const flushed = sink.flush();
  await clock.advance(10);
  await flushed;
  assert.equal(target.text(), "a\n");
});

test("stdioSink writes what waits when the process ends", () => {
  const target = fakeTarget();
  const sink = stdioSink({ fd: 1, target });
  sink.write("last");
  target.plan.push(2, coded("EAGAIN"));
  target.exit();
  assert.equal(target.text(), "last\n");
});

test("stdioSink does not keep a process from ending that has a stuck reader", async () => {
  const target = fakeTarget();
  const clock = fakeClock();
  target.plan.push("hang");
  const sink = stdioSink({ fd: 1, target, clock });
  sink.write("stuck");
  await clock.advance(5000);
  sink.write("more");
  target.exit();
  assert.equal(target.text(), "");
  assert.equal(sink.dropped, 1);
});

test("stdioSink flush ends with its signal", async () => {
  const target = fakeTarget();
  target.plan.push("hang");
  const sink = stdioSink({ fd: 1, target });
  sink.write("stuck");
  const controller = new AbortController();
  const flushed = sink.flush({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(flushed, /enough/);
});

test("stdioSink close is idempotent, and later lines are dropped", async () => {
  const target = fakeTarget();
  const sink = stdioSink({ fd: 1, target });
  await Promise.all([sink.close(), sink.close()]);
  sink.write("late");
  assert.equal(sink.dropped, 1);
});

const CHILD = fileURLToPath(new URL("./_stdio_child.ts", import.meta.url));

/** Runs the child on the runtime that runs this test. */
function run(mode: string): Promise<{ code: number | null; out: string; err: string }> {
  const isDeno = "Deno" in globalThis;
  const args = isDeno ? ["run", "-A", "--no-check", CHILD, mode] : [CHILD, mode];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data) => out += data);
  child.stderr.on("data", (data) => err += data);
  if (mode === "closed") child.stdout.destroy();
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

for (const mode of ["exit", "throw", "reject", "late", "burst", "end"]) {
  test(`stdioSink has the last line out when the process ends by ${mode}`, async () => {
    const { code, out } = await run(mode);
    const lines = out.trimEnd().split("\n");
    assert.equal(lines.length, mode === "burst" ? 7001 : 2001);
    assert.equal(lines.at(-1), "last");
    assert.equal(code === 0, ["end", "exit", "burst"].includes(mode));
  });
}

test("stdioSink survives a closed pipe", async () => {
  const { code, err } = await run("closed");
  assert.equal(code, 0);
  assert.match(err, /alive, dropped more than 0: true/);
});
