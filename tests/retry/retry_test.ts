import assert from "node:assert/strict";
import { test } from "node:test";
import { noopTracer, type Random, type Tracer } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { retry, retryBudget } from "../../retry/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { countingMetrics, seededRandom } from "./_helpers.ts";

const DAY_MS = 86_400_000;
const fail = (): never => {
  throw new Error("reset");
};
const high: Random = { next: () => 0.999_999, bytes: (n) => new Uint8Array(n) };

test("retry gives the first success and numbers attempts from 1", async () => {
  const clock = fakeClock();
  const seen: number[] = [];
  const answer = retry(({ number }) => {
    seen.push(number);
    return number === 3 ? "ok" : fail();
  }, { clock, jitter: "none" });
  await clock.advance(300);
  assert.equal(await answer, "ok");
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(clock.pending, 0);
});

test("retry waits as long as the delays say", async () => {
  const clock = fakeClock();
  const at: number[] = [];
  const answer = retry(() => {
    at.push(clock.monotonic());
    fail();
  }, { clock, attempts: 5, jitter: "none", maxDelay: "300ms" });
  answer.catch(() => {});
  await clock.advance(DAY_MS);
  assert.deepEqual(at, [0, 100, 300, 600, 900]);
});

test("retry throws CQI_RETRY_EXHAUSTED with the last error as cause, not retryable", async () => {
  const clock = fakeClock();
  const last = new CqiError("CQI_UNAVAILABLE", "Down", { retryAfterMs: 5 });
  const answer = retry(() => Promise.reject(last), { clock, name: "venue" });
  answer.catch(() => {});
  await clock.advance(DAY_MS);
  await assert.rejects(answer, (error: CqiError) => {
    assert.equal(error.code, "CQI_RETRY_EXHAUSTED");
    assert.equal(error.cause, last);
    assert.equal(error.retryable, false);
    assert.equal(error.retryAfterMs, 5);
    assert.equal(error.details.reason, "attempts");
    assert.match(
      error.message,
      /^Gave up 'venue' after 3 attempts in \d+ ms: no attempts are left; the last error was 'Down'$/,
    );
    return true;
  });
});

test("retry tells of the last error no more than 300 characters, and no secret", async () => {
  const token = ["Bearer", "abcdefghijklmnop"].join(" ");
  const fail = () => Promise.reject(new Error(`${token} ${"x".repeat(1000)}`));
  await assert.rejects(retry(fail, { attempts: 2, initialDelay: 0 }), (error: CqiError) => {
    assert.ok(error.message.length < 450);
    assert.doesNotMatch(error.message, /abcdefgh/);
    return true;
  });
});

test("retry around a retry does not multiply the calls (X2)", async () => {
  const clock = fakeClock();
  let calls = 0;
  const inner = () =>
    retry(() => {
      calls++;
      return fail();
    }, { clock, attempts: 4 });
  const answer = retry(inner, { clock, attempts: 4 });
  answer.catch(() => {});
  await clock.advance(DAY_MS);
  await assert.rejects(answer, { code: "CQI_RETRY_EXHAUSTED" });
  assert.equal(calls, 4);
});

test("retry throws an error that is not worth another attempt as it is", async () => {
  const error = new CqiError("CQI_CONFLICT", "Exists");
  let calls = 0;
  const answer = retry(() => {
    calls++;
    throw error;
  }, { clock: fakeClock() });
  await assert.rejects(answer, (thrown) => thrown === error);
  assert.equal(calls, 1);
});

test("retry with one attempt throws the error as it is", async () => {
  const error = new Error("reset");
  const answer = retry(() => Promise.reject(error), { clock: fakeClock(), attempts: 1 });
  await assert.rejects(answer, (thrown) => thrown === error);
});

test("retry asks 'when' which errors are worth another attempt", async () => {
  const clock = fakeClock();
  let calls = 0;
  const answer = retry(() => {
    calls++;
    throw calls === 1 ? new RangeError("again") : new TypeError("no");
  }, { clock, when: (error) => error instanceof RangeError });
  answer.catch(() => {});
  await clock.advance(1000);
  await assert.rejects(answer, TypeError);
  assert.equal(calls, 2);
});

test("retry never repeats an abort, whatever 'when' says", async () => {
  for (
    const error of [
      new DOMException("stop", "AbortError"),
      new CqiError("CQI_ABORTED", "Aborted"),
    ]
  ) {
    let calls = 0;
    const answer = retry(() => {
      calls++;
      throw error;
    }, { clock: fakeClock(), when: () => true });
    await assert.rejects(answer, (thrown) => thrown === error);
    assert.equal(calls, 1);
  }
});

test("retry rejects with the signal's reason at once during a wait, and leaves no timer (X4)", async () => {
  const clock = fakeClock();
  const controller = new AbortController();
  const reason = new Error("shutting down");
  const answer = retry(fail, {
    clock,
    signal: controller.signal,
    initialDelay: "1h",
    jitter: "none",
  });
  answer.catch(() => {});
  await clock.advance(1);
  assert.equal(clock.pending, 1);
  controller.abort(reason);
  await assert.rejects(answer, (thrown) => thrown === reason);
  assert.equal(clock.pending, 0);
});

test("retry rejects with the signal's reason at once during an attempt that ignores it", async () => {
  const controller = new AbortController();
  const reason = new Error("shutting down");
  const answer = retry(() => new Promise<never>(() => {}), {
    clock: fakeClock(),
    signal: controller.signal,
  });
  controller.abort(reason);
  await assert.rejects(answer, (thrown) => thrown === reason);
});

test("retry makes no attempt when the signal has aborted before", async () => {
  let calls = 0;
  const answer = retry(() => calls++, { signal: AbortSignal.abort("gone") });
  await assert.rejects(answer, (thrown) => thrown === "gone");
  assert.equal(calls, 0);
});

test("retry removes its listeners from a signal that lives on (X4)", async () => {
  let listeners = 0;
  const signal = new AbortController().signal;
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove.apply(signal, args);
  };
  for (let i = 0; i < 1000; i++) {
    await retry(({ number }) => number === 1 ? fail() : "ok", { signal, initialDelay: 0 });
  }
  assert.equal(listeners, 0);
});

test("retry begins no wait that would end after 'maxElapsed'", async () => {
  const clock = fakeClock();
  const ended = retry(fail, {
    clock,
    attempts: Infinity,
    jitter: "none",
    maxElapsed: "1s",
    maxDelay: "1h",
  }).catch((error: CqiError) => ({ error, at: clock.monotonic() }));
  await clock.advance(DAY_MS);
  const { error, at } = await ended as { error: CqiError; at: number };
  assert.equal(error.details.reason, "elapsed");
  // Attempts at 0, 100, 300 and 700 ms; the next would be at 1,500.
  assert.equal(at, 700);
});

test("retry cuts an attempt that is running at 'maxElapsed'", async () => {
  const clock = fakeClock();
  let signal: AbortSignal | undefined;
  const ended = retry((attempt) => {
    signal = attempt.signal;
    return new Promise<never>(() => {});
  }, { clock, maxElapsed: "1s" }).catch((error: CqiError) => ({ error, at: clock.monotonic() }));
  await clock.advance(DAY_MS);
  const { error, at } = await ended as { error: CqiError; at: number };
  assert.equal(error.code, "CQI_RETRY_EXHAUSTED");
  assert.equal(at, 1000);
  assert.equal(signal?.aborted, true);
});

test("retry counts an attempt beyond 'timeout' as failed and goes on", async () => {
  const clock = fakeClock();
  const answer = retry(
    ({ number }) => number === 1 ? new Promise<string>(() => {}) : "ok",
    { clock, timeout: "2s" },
  );
  await clock.advance(3000);
  assert.equal(await answer, "ok");
});

test("retry waits at least as long as an error asks", async () => {
  const clock = fakeClock();
  const at: number[] = [];
  const answer = retry(({ number }) => {
    at.push(clock.monotonic());
    if (number === 1) throw new CqiError("CQI_RATE_LIMITED", "Slow down", { retryAfterMs: 2000 });
    return "ok";
  }, { clock, random: seededRandom(1) });
  await clock.advance(2200);
  assert.equal(await answer, "ok");
  assert(at[1]! >= 2000 && at[1]! <= 2100, `second attempt at ${at[1]}`);
});

test("retry gives up when an error asks for more than 'maxRetryAfter'", async () => {
  const clock = fakeClock();
  const answer = retry(() => {
    throw new CqiError("CQI_RATE_LIMITED", "Banned", { retryAfterMs: DAY_MS });
  }, { clock });
  await assert.rejects(answer, (error: CqiError) => {
    assert.equal(error.details.reason, "retry_after");
    assert.equal(error.retryAfterMs, DAY_MS);
    return true;
  });
  assert.equal(clock.pending, 0);
});

test("retry waits 60 days in one wait, not in a busy loop (X3)", async () => {
  const clock = fakeClock();
  let calls = 0;
  const options = {
    clock,
    initialDelay: 60 * DAY_MS,
    maxDelay: 60 * DAY_MS,
    jitter: "none",
  } as const;
  const answer = retry(({ number }) => {
    calls++;
    return number === 2 ? "ok" : fail();
  }, options);
  await clock.advance(59 * DAY_MS);
  assert.equal(calls, 1);
  await clock.advance(DAY_MS);
  assert.equal(await answer, "ok");
});

test("retry reaches attempt 2,000 with the delay still capped (X3)", async () => {
  const clock = fakeClock();
  const answer = retry(({ number }) => number === 2000 ? number : fail(), {
    clock,
    attempts: Infinity,
    maxDelay: "1ms",
    initialDelay: "1ms",
    random: high,
  });
  await clock.advance(2000);
  assert.equal(await answer, 2000);
});

test("retry counts each attempt by policy and result", async () => {
  const { metrics, counts } = countingMetrics();
  const options = { metrics, name: "db", initialDelay: 0, attempts: 2 };
  await retry(({ number }) => number === 1 ? fail() : "ok", options);
  await assert.rejects(retry(fail, options));
  await assert.rejects(retry(() => Promise.reject(new CqiError("CQI_CONFLICT", "No")), options));
  await assert.rejects(retry(() => Promise.reject(new CqiError("CQI_ABORTED", "No")), options));
  assert.deepEqual(Object.fromEntries(counts), {
    "db retry": 2,
    "db success": 1,
    "db exhausted": 1,
    "db failure": 1,
    "db aborted": 1,
  });
});

test("retry puts an event for each wait and for giving up on its span", async () => {
  const events: string[] = [];
  const tracer: Tracer = {
    ...noopTracer,
    span: (name, _options, fn) => {
      const span = noopTracer.start(name);
      events.push(name);
      return fn({ ...span, event: (event) => void events.push(event) });
    },
  };
  await assert.rejects(retry(fail, { tracer, name: "db", initialDelay: 0 }));
  assert.deepEqual(events, ["retry db", "retry", "retry", "retry.exhausted"]);
});

test("retry tells 'onRetry' of each wait", async () => {
  const seen: [number, number][] = [];
  const clock = fakeClock();
  const answer = retry(fail, {
    clock,
    jitter: "none",
    onRetry: ({ attempt, delayMs }) => void seen.push([attempt, delayMs]),
  });
  answer.catch(() => {});
  await clock.advance(1000);
  assert.deepEqual(seen, [[1, 100], [2, 200]]);
});

test("retry ends with what 'onRetry' throws", async () => {
  const answer = retry(fail, {
    clock: fakeClock(),
    onRetry: () => {
      throw new RangeError("hook");
    },
  });
  await assert.rejects(answer, RangeError);
});

test("retry refuses options out of bounds and names them", async () => {
  const table: [string, unknown][] = [
    ["attempts", 0],
    ["attempts", 1.5],
    ["attempts", NaN],
    ["multiplier", 0],
    ["jitter", "lots"],
    ["initialDelay", "10 minuts"],
    ["maxDelay", -1],
    ["maxElapsed", "soon"],
    ["timeout", "1 s"],
    ["maxRetryAfter", NaN],
  ];
  for (const [name, value] of table) {
    const answer = retry(() => "ok", { [name]: value });
    await assert.rejects(answer, { code: "CQI_OPTION_INVALID" }, name);
  }
});

test("retry with a budget adds at most 10 % and the floor when a dependency is down", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ ratio: 0.1, minPerSecond: 10, clock });
  let calls = 0;
  const callers = Array.from({ length: 1000 }, () =>
    retry(() => {
      calls++;
      return fail();
    }, { clock, budget, attempts: 5, initialDelay: "1ms", maxDelay: "5ms" }).catch(() => {}));
  await clock.advance(100);
  await Promise.all(callers);
  // 1,000 first attempts, 10 % of them, the floor of one second, and what a tenth of one adds.
  assert(calls <= 1000 + 100 + 10 + 1, `${calls} calls`);
  assert(calls >= 1000 + 90, `${calls} calls`);
});

test("retry of one hour runs on a fake clock without real waiting", async () => {
  const clock = fakeClock();
  const answer = retry(fail, {
    clock,
    attempts: Infinity,
    jitter: "none",
    initialDelay: "1m",
    maxDelay: "1m",
    maxElapsed: "1h",
  }).catch((error: CqiError) => error.details.attempts);
  await clock.advance(3_600_000);
  assert.equal(await answer, 60);
});
