import assert from "node:assert/strict";
import { test } from "node:test";
import { failures } from "../../bus/_attempts.ts";
import { createBroker } from "../../bus/drivers/_memory_broker.ts";
import { HEADER, type Position } from "../../bus/mod.ts";
import {
  collector,
  freshGroup,
  freshTopic,
  numberOf,
  publishNumbers,
} from "../../testing/_bus_kit.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { openOn, until } from "./_kit.ts";

const slow = {
  maxAttempts: 3,
  initialDelay: { seconds: 60n },
  maxDelay: { seconds: 60n },
  jitter: "none",
};

function noteOf(from: bigint, counts: readonly (readonly [bigint, number])[]): string | undefined {
  const made = failures();
  for (const [offset, count] of counts) made.set(offset, count);
  return made.note(from);
}

test("row 15 a note names what has failed by its distance from the committed offset, lowest first", () => {
  assert.equal(noteOf(7n, [[12n, 1], [7n, 2]]), "a1:+0=2,+5=1");
  assert.equal(noteOf(7n, []), undefined);
  assert.equal(noteOf(2n ** 62n, [[2n ** 62n + 1n, 3]]), "a1:+1=3");
});

test("row 15 a note comes back as it was, whatever the committed offset", () => {
  for (const offset of [0n, 41n, 2n ** 62n]) {
    const counts = [[offset, 4], [offset + 9n, 1], [offset + 1000n, 99]] as const;
    const read = failures({ offset, note: noteOf(offset, counts) });
    for (const [at, count] of counts) assert.equal(read.of(at), count);
    assert.equal(read.of(offset + 1n), 0);
  }
});

test("row 15 a note of ten thousand failures has 256 characters at most and the lowest of them", () => {
  const counts = Array.from(
    { length: 10_000 },
    (_, i) => [BigInt(10_000 - i), 1_000_000_000] as const,
  );
  const note = noteOf(1n, counts)!;
  assert.ok(note.length <= 256 && note.length > 230, `${note.length} characters`);
  assert.ok(note.startsWith("a1:+0=999999,+1=999999"));
  assert.equal(failures({ offset: 1n, note }).of(1n), 999_999);
});

test("row 15 what is done, or below what is committed, is in no note", () => {
  const made = failures({ offset: 3n, note: "a1:+0=1,+1=2,+4=3" });
  made.forget(4n);
  assert.equal(made.note(4n), "a1:+3=3");
  assert.equal(made.of(3n), 0);
  assert.equal(made.note(8n), undefined);
});

for (
  const text of [
    "",
    "a1:",
    "a1:+0=1,",
    "a1:+0=1;+1=1",
    "a2:+0=1",
    "a1:-1=1",
    "a1:+0=-1",
    "a1:+0=1e3",
    "a1:+0=1 ",
    "a1:+0=1\n",
    " a1:+0=1",
    "a1:+9999999999999999=1",
    "a1:+0=1234567",
    '{"+0":1}',
    `a1:+0=1${",+0=1".repeat(60)}`,
    "a1:".repeat(100_000),
  ]
) {
  test(`row 15 a note of others is passed over: ${JSON.stringify(text.slice(0, 30))} (${text.length})`, () => {
    const read = failures({ offset: 0n, note: text });
    assert.equal(read.of(0n), 0);
    assert.equal(read.note(0n), undefined);
  });
}

test("row 15 attempts count on after a kill: what is said at a failure is enough", async () => {
  const broker = createBroker({ partitions: 1 });
  const prices = freshTopic();
  const group = freshGroup();
  const tries = collector<string>();
  for (let life = 1; life <= 3; life++) {
    let isDead = false;
    const bus = await openOn(broker, { retry: slow }, {
      clock: fakeClock(),
      faults: { commit: (_all, pass) => isDead ? Promise.reject(new Error("killed")) : pass() },
    });
    if (life === 1) await publishNumbers(bus, prices, 0, 3, (n) => `k${n}`);
    await bus.subscribe(prices, (event, { attempt }) => {
      tries.add(`${numberOf(event)}/${attempt}`);
      if (numberOf(event) < 2) throw new Error("no luck");
    }, { group });
    const note = `a1:+0=${life},+1=${life}`;
    if (life < 3) {
      await until(() => broker.groups.get(group)?.notes.get(`${prices.name}:0`) === note, note);
    } else {await until(() =>
        broker.groups.get(group)?.committed.get(`${prices.name}:0`) === 3, "end");}
    isDead = true;
    await bus.close();
  }
  const of = (n: number) => tries.seen.filter((each) => each.startsWith(`${n}/`));
  assert.deepEqual(of(0), ["0/1", "0/2", "0/3"]);
  assert.deepEqual(of(1), ["1/1", "1/2", "1/3"]);
  // Done in the first life, and not to be told from what is not: it was never committed.
  assert.deepEqual(of(2), ["2/1", "2/1", "2/1"]);
  await using bus = await openOn(broker);
  for await (const { headers } of bus.records(`${prices.name}.dlq`)) {
    assert.equal(headers.get(HEADER.dlqAttempts), "3");
    break;
  }
});

test("row 15 one commit a failure at most, of a place that does not move, and none without one", async () => {
  const clock = fakeClock();
  const commits: Position[] = [];
  const retry = { ...slow, initialDelay: { seconds: 1n } };
  await using bus = await openOn(createBroker({ partitions: 1 }), { retry }, {
    clock,
    faults: {
      commit(positions, pass) {
        commits.push(...positions);
        return pass();
      },
    },
  });
  const prices = freshTopic();
  const done = collector<number>();
  await bus.subscribe(prices, (event, { attempt }) => {
    if (numberOf(event) === 1 && attempt < 3) throw new Error("passing");
    done.add(numberOf(event));
  }, { group: freshGroup() });
  await publishNumbers(bus, prices, 0, 1);
  await until(() => commits.length === 1, "the first commit");
  await publishNumbers(bus, prices, 1, 2);
  while (done.seen.length < 2) await clock.advance(1000);
  await until(() => commits.at(-1)?.offset === 2n, "the last commit");
  assert.deepEqual(
    commits.map(({ offset, note }) => `${offset} ${note ?? "-"}`),
    ["1 -", "1 a1:+0=1", "1 a1:+0=2", "2 -"],
  );
});

test("row 15 attempts begin at 1 where the driver keeps no notes, and nothing more is committed", async () => {
  const broker = createBroker({ partitions: 1 });
  const memory = await import("../../bus/drivers/memory.ts");
  const { open } = await import("../../bus/mod.ts");
  const commits: Position[] = [];
  await using bus = await open({ retry: { ...slow, initialDelay: { nanos: 1 } } }, {
    drivers: {
      memory: () => ({
        createDriver(config, env) {
          const inner = memory.createDriver(config, env, broker);
          return {
            ...inner,
            features: { ...inner.features, attemptsPersist: false },
            async consume(options, sink) {
              const consumer = await inner.consume(options, sink);
              return {
                ...consumer,
                commit(positions) {
                  commits.push(...positions);
                  return consumer.commit(positions);
                },
              };
            },
          };
        },
      }),
    },
  });
  const prices = freshTopic();
  const done = collector<number>();
  await bus.subscribe(prices, (_event, { attempt }) => {
    if (attempt < 3) throw new Error("passing");
    done.add(attempt);
  }, { group: freshGroup() });
  await publishNumbers(bus, prices, 0, 1);
  await done.until((seen) => seen.length === 1);
  await until(() => commits.length > 0, "the commit");
  assert.deepEqual(commits.map(({ offset, note }) => [offset, note]), [[1n, undefined]]);
});
