import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { Lane } from "../../../cache/drivers/_redis_lane.ts";
import type { Client } from "../../../cache/drivers/_redis_op.ts";
import { clearPrefix } from "../../../cache/drivers/_redis_scan.ts";
import { isCqiError } from "../../../errors/mod.ts";
import { fakeClock } from "../../../testing/fake_clock.ts";
import { turn } from "../../_until.ts";

/** A client that keeps its commands until the test answers them. */
class SlowClient extends EventEmitter {
  status = "ready";
  readonly isCluster = true;
  readonly answers: ((value: unknown) => void)[] = [];

  command(): Promise<unknown> {
    return new Promise((resolve) => this.answers.push(resolve));
  }
}

function openLane(status = "ready") {
  const client = new SlowClient();
  client.status = status;
  const clock = fakeClock();
  const lane = new Lane({
    client: client as unknown as Client,
    clock,
    commandTimeoutMs: 1000,
    problem: () => undefined,
    isDown: () => false,
  });
  const send = (signal?: AbortSignal): Promise<unknown> =>
    lane.send(() => client.command(), { action: "try", signal });
  return { client, clock, lane, send };
}

/** Counts refusals that are marked as the lane's own, not a failure of Redis. */
function refusals(calls: readonly Promise<unknown>[]): { count: number } {
  const refused = { count: 0 };
  for (const call of calls) {
    call.catch((error: unknown) => {
      const isOurs = isCqiError(error, "CQI_CACHE_UNAVAILABLE");
      if (isOurs && error.details["refused"] === true) refused.count++;
    });
  }
  return refused;
}

test("10,000 commands may wait for answers, those that were given up too (R4)", async () => {
  const { client, send, lane } = openLane();
  const controller = new AbortController();
  const calls = Array.from({ length: 10_000 }, () => send(controller.signal));
  const gone = refusals(calls);
  await turn();
  assert.equal(client.answers.length, 10_000);
  const early = refusals([send()]);
  controller.abort();
  const late = refusals([send()]);
  await turn();
  assert.deepEqual([gone.count, early.count, late.count], [0, 1, 1]);
  for (const answer of client.answers) answer(1);
  await turn();
  const next = send();
  client.answers.at(-1)!("yes");
  assert.equal(await next, "yes");
  lane.close();
});

test("1,000 commands may wait for a connection, those that have left make room (R4)", async () => {
  const { client, send, lane } = openLane("connecting");
  const controller = new AbortController();
  const waiting = refusals(Array.from({ length: 1000 }, () => send(controller.signal)));
  const over = refusals([send()]);
  await turn();
  assert.deepEqual([waiting.count, over.count], [0, 1]);
  controller.abort();
  const after = send();
  client.status = "ready";
  client.emit("ready");
  await turn();
  assert.equal(client.answers.length, 1);
  client.answers[0]!("yes");
  assert.equal(await after, "yes");
  lane.close();
});

test("clear() breaks all leases before it deletes a value, so that no load comes behind it", async () => {
  const keys = new Map([["p:a", "old"], ["p:b", "old"], ["p:a!lease", "1"], ["p:b!lease", "2"]]);
  const client = {
    // Values before leases, one key a step, as a hash table may well have them.
    scan(cursor: string, _match: string, pattern: string): Promise<[string, string[]]> {
      const all = ["p:a", "p:b", "p:a!lease", "p:b!lease"];
      const key = all[Number(cursor)]!;
      const isWanted = keys.has(key) && (pattern === "p:*" || key.endsWith("!lease"));
      const next = Number(cursor) + 1;
      return Promise.resolve([String(next % all.length), isWanted ? [key] : []]);
    },
    unlink(...wanted: string[]): Promise<number> {
      const count = wanted.filter((key) => keys.delete(key)).length;
      // Those who load try to store as soon as anything has changed.
      for (const key of ["p:a", "p:b"]) if (keys.delete(`${key}!lease`)) keys.set(key, "late");
      return Promise.resolve(count);
    },
  };
  const lane = { send: <T>(run: (to: Client) => Promise<T>) => run(client as unknown as Client) };
  await clearPrefix(lane as unknown as Lane, "p:", false, "!lease", undefined);
  assert.deepEqual([...keys], []);
});
