// What must stay bounded: publishers faster than a broker that hangs, a log longer than a consumer is
// fast.

import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { topic } from "../../bus/mod.ts";
import { systemClock } from "../../core/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { freshGroup, freshTopic } from "../../testing/_bus_kit.ts";
import { aPriceUpdated } from "../../testing/builders.ts";
import { realKafka } from "../../testing/real_kafka.ts";
import { real } from "../_real.ts";
import {
  adminOf,
  counted,
  endsOf,
  ms,
  onLog,
  openKafka,
  type Refusal,
  repeats,
  within,
} from "./_kafka.ts";
import { report } from "./_report.ts";
import { startMember } from "./_kafka_member.ts";

const PARTITIONS = 4;

const server = await real(() =>
  realKafka({ own: true, settings: { "num.partitions": `${PARTITIONS}` } })
);

/** Memory that is held, in MiB: what is left of the heap once garbage is collected. */
function heldMiB(): number {
  const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (bun !== undefined) bun.gc(true);
  else {
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")();
  }
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20);
}

if (server !== undefined) {
  const { brokers, nodes } = server;
  const admin = adminOf(brokers);
  test.after(() => admin.close());

  test("K18: twice 100,000 publications while the broker hangs all settle, in bounded memory, and what they say is true", async () => {
    const target = freshTopic();
    await using bus = await openKafka(
      { brokers, client: { requestTimeout: ms(2000) } },
      { publishTimeout: ms(3000) },
    );
    await bus.ensureTopics([target]);
    await bus.publish(target, aPriceUpdated({ sequence: 0n }), { key: "0" });
    const before = heldMiB();
    const total = 100_000;
    const accepted = new Set<number>([0]);
    const refused = new Map<number, Refusal>();
    const aborted = new Set<number>();
    let abortedMs = 0;
    let slowestMs = 0;

    /** @returns Memory while all of them wait, in MiB. */
    const flood = async (from: number): Promise<number> => {
      const leaving = new AbortController();
      let leftAt = 0;
      const publish = async (number: number): Promise<void> => {
        const event = aPriceUpdated({ sequence: BigInt(number) });
        const signal = number % 1000 === 0 ? leaving.signal : undefined;
        const options = { key: `${number % 100}`, ...signal !== undefined && { signal } };
        const start = systemClock.monotonic();
        try {
          await bus.publish(target, event, options);
          accepted.add(number);
        } catch (error) {
          if (isCqiError(error)) {
            const { code, details: { outcome } } = error;
            refused.set(number, { code, details: { outcome } });
          } else {
            assert.equal(error, leaving.signal.reason);
            aborted.add(number);
            abortedMs = Math.max(abortedMs, systemClock.monotonic() - leftAt);
          }
        }
        slowestMs = Math.max(slowestMs, systemClock.monotonic() - start);
      };
      const all = Array.from({ length: total }, (_, n) => publish(from + n));
      leftAt = systemClock.monotonic();
      leaving.abort(new Error("left"));
      const held = heldMiB();
      await Promise.all(all);
      return held;
    };

    nodes[0]!.freeze();
    const held: number[] = [];
    try {
      for (const from of [1, total + 1]) held.push(await flood(from));
    } finally {
      nodes[0]!.thaw();
    }
    // Well again by itself.
    const last = 2 * total + 1;
    const back = systemClock.monotonic();
    await bus.publish(target, aPriceUpdated({ sequence: BigInt(last) }), { key: "last" });
    const backMs = systemClock.monotonic() - back;
    accepted.add(last);
    const log = await onLog(bus, admin, target, PARTITIONS);
    const there = new Set(log);
    const unsaid = [...refused].filter(([number, { code, details }]) =>
      there.has(number) && (code === "CQI_BUS_BUFFER_FULL" || details["outcome"] === "not_written")
    );
    const lost = [...accepted].filter((number) => !there.has(number));
    report(
      `K18: ${2 * total} publications settled, the slowest after ${Math.round(slowestMs)} ms ` +
        `(publish_timeout 3000 ms): ${accepted.size - 2} acknowledged, ${aborted.size} left ` +
        `within ${Math.round(abortedMs)} ms, ${counted(refused)}; ${before} MiB held before, ` +
        `${held} with 100,000 waiting, ${heldMiB()} after; ${log.length} on the log, ${
          repeats(log)
        } twice, ${lost.length} ` +
        `acknowledged ones missing, ${unsaid.length} said not to be written; next one after ` +
        `${Math.round(backMs)} ms`,
    );
    assert.equal(accepted.size - 2 + refused.size + aborted.size, 2 * total);
    assert.deepEqual(lost, []);
    assert.deepEqual(unsaid, []);
    assert.equal(repeats(log), 0);
    // The queue's bounds are 100,000 events and 64 MiB; what is around each of them adds to that.
    assert(held[0]! - before < 1000, `${held[0]! - before} MiB more`);
    assert(held[1]! < held[0]! * 1.6, `${held} MiB`);
    await within(10_000, () => heldMiB() < before + 100, "memory that is given back");
    assert(slowestMs < 20_000, `${slowestMs} ms`);
  });

  test("B6: a consumer that is slower than the log holds no more than it may", async () => {
    const name = freshTopic().name;
    const blobs = topic(BytesValueSchema, { name });
    await using producer = await openKafka({ brokers });
    await producer.ensureTopics([blobs]);
    const total = 12_000;
    const value = new Uint8Array(20_000).fill(7);
    for (let from = 0; from < total; from += 500) {
      await Promise.all(
        Array.from(
          { length: 500 },
          (_, n) => producer.publish(blobs, { value }, { key: `${from + n}` }),
        ),
      );
    }
    const ends = await endsOf(admin, name, PARTITIONS);
    const writtenMiB = Math.round(total * 20_000 / 2 ** 20);
    const slow = startMember({
      place: { brokers, maxFetchBytes: 2 * 2 ** 20 },
      topic: name,
      group: freshGroup(),
      of: "bytes",
      takesMs: [10, 10],
      inFlight: 50,
      concurrency: 4,
      memory: true,
    });
    await within(20_000, () => slow.begun.length > 20, "some events");
    const before = slow.peakMiB;
    await within(30_000, () => slow.begun.length > 1500, "1,500 events");
    slow.kill("SIGTERM");
    const ended = await slow.ended;
    report(
      `B6: ${writtenMiB} MiB on the log (${ends} records), ${slow.done.length} handled; memory of ` +
        `the consumer ${before} MiB after the first, at most ${slow.peakMiB} MiB`,
    );
    assert.equal(ended.code, 0, ended.stderr);
    assert(slow.peakMiB - before < 120, `${slow.peakMiB - before} MiB more`);
  });
}
