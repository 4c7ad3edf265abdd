import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../contracts/mod.ts";
import { type Database, sql, type SqlFragment } from "../../database/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { turn, until } from "../_until.ts";
import { alert, ALERTS, type Fixture, fixture, type Landed, RiskAlertSchema } from "./_fixture.ts";

function messageOf({ record }: Landed): string {
  return decode(RiskAlertSchema, record.value!).message;
}

function table(made: Fixture, name = "outbox"): SqlFragment {
  return sql.identifier(made.schema, name);
}

/** Publishes events, each in a transaction of its own. */
async function publishAll(
  made: Fixture,
  events: readonly (readonly [key: number, message: string])[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const [key, message] of events) {
    const { eventId } = await made.box.transaction((tx) =>
      tx.publish(RiskAlertSchema, alert(key, message))
    );
    ids.push(eventId);
  }
  return ids;
}

/** The database, with statements that fail or wait as the test says. */
function hooked(
  db: Database,
  before: (text: string) => Promise<void> | undefined,
): Database {
  const tag = ((strings: TemplateStringsArray, ...values: never[]) => {
    const query = db.sql(strings, ...values);
    const wrap = (inner: typeof query, name = ""): typeof query =>
      new Proxy(inner, {
        get(target, property) {
          if (property === "with") {
            return (options: { name?: string }) => wrap(target.with(options), options.name);
          }
          const method = Reflect.get(target, property);
          if (typeof method !== "function") return method;
          return (...args: unknown[]) => {
            const held = before(name);
            if (held === undefined) return Reflect.apply(method, target, args);
            if (property === "then") {
              const [onDone, onFailed] = args as [never, never];
              return held.then(() => target.rows()).then(onDone, onFailed);
            }
            return held.then(() => Reflect.apply(method, target, args));
          };
        },
      });
    return wrap(query);
  }) as Database["sql"];
  return new Proxy(db, {
    get: (target, property) => property === "sql" ? tag : Reflect.get(target, property),
  });
}

test("relay keeps the order of a key and sends each event once", async () => {
  await using made = await fixture();
  const events = Array.from({ length: 60 }, (_, n) => [n % 5, `${n}`] as const);
  const ids = await publishAll(made, events);
  await made.drain();
  assert.deepEqual(made.landed.map(({ id }) => id).sort(), [...ids].sort());
  for (let key = 0; key < 5; key++) {
    const seen = made.landed.map(messageOf).map(Number).filter((n) => n % 5 === key);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  }
});

test("relay sends a row of a lower id that becomes visible after those of higher ones", async () => {
  await using made = await fixture();
  await publishAll(made, [[1, "early"], [1, "late"]]);
  await made.drain();
  // What a slow transaction looks like to a relay: its row, with the id that it drew long ago.
  await made.db.sql`
    insert into ${table(made)} overriding system value
    select o.* from (
      select -7::int8, lane, topic, key, 'slow', value, headers, timestamp_ms, size, created_at, 0,
        null::timestamptz, null::timestamptz, null::int8, null::text, null::timestamptz
      from ${table(made)} limit 1
    ) o`;
  await made.clock.advance(1000);
  await made.drain();
  assert.equal(made.landed.length, 3);
});

test("relay that dies between sending and noting it leaves a repeat of the same id", async () => {
  await using made = await fixture({ section: { relay: false } });
  const [first, second] = await publishAll(made, [[1, "a"], [1, "b"]]);
  // Sends, and is never heard of again.
  let isDead = false;
  await made.another({}, {
    db: hooked(
      made.db,
      (name) =>
        isDead || name === "outbox_sent" ? new Promise<void>(() => isDead = true) : undefined,
    ),
  }).then((dead) => dead.close = () => Promise.resolve());
  await until(() => isDead, "the relay to die");
  assert.deepEqual(made.landed.map(({ id }) => id), [first, second]);
  await made.db.sql`update ${table(made, "outbox_lanes")} set until = now() - interval '1 second'`;
  await made.db.sql`delete from ${table(made, "outbox_relays")}`;
  await made.another();
  await made.drain();
  assert.deepEqual(made.landed.map(({ id }) => id), [first, second, first, second]);
  assert.deepEqual(made.landed[2]!.record, made.landed[0]!.record);
});

test("relay does not send again what the database could not be told of", async () => {
  await using made = await fixture({ section: { relay: false } });
  const ids = await publishAll(made, [[1, "a"], [2, "b"]]);
  let isDown = true;
  let asked = 0;
  const db = hooked(made.db, (name) => {
    if (name !== "outbox_sent" || !isDown) return undefined;
    asked++;
    return Promise.reject(new CqiError("CQI_DATABASE_UNAVAILABLE", "Down"));
  });
  await made.another({}, { db });
  for (let n = 0; n < 20; n++) await made.clock.advance(1000);
  assert.ok(asked > 2, `asked ${asked} times`);
  isDown = false;
  await until(async () => {
    await made.clock.advance(1000);
    return (await made.box.backlog()).pending === 0;
  });
  assert.deepEqual(made.landed.map(({ id }) => id).sort(), ids.sort());
});

test("relay sends within a lease once a database that was away for long is back", async () => {
  await using made = await fixture({ section: { relay: false } });
  let isDown = false;
  const down = () => Promise.reject(new CqiError("CQI_DATABASE_UNAVAILABLE", "Down"));
  await made.another({ lease: "5s" }, { db: hooked(made.db, () => isDown ? down() : undefined) });
  await made.clock.advance(1000);
  isDown = true;
  for (let n = 0; n < 120; n++) await made.clock.advance(1000);
  isDown = false;
  await publishAll(made, [[1, "kept"]]);
  let waitedMs = 0;
  await until(async () => {
    if (waitedMs < 5000) await made.clock.advance(100);
    waitedMs += 100;
    return made.landed.length === 1;
  }, "the event to be sent");
});

test("relay that cannot read its events tries again at the next commit", async () => {
  await using made = await fixture({ section: { relay: false } });
  let asked = 0;
  let isDown = true;
  const db = hooked(made.db, (name) => {
    if (name !== "outbox_fetch") return undefined;
    asked++;
    return isDown ? Promise.reject(new CqiError("CQI_DATABASE_TIMEOUT", "Slow")) : undefined;
  });
  const box = await made.another({ lease: "10m" }, { db });
  await until(async () => {
    await made.clock.advance(100);
    return asked === 8;
  }, "its pauses to be long");
  isDown = false;
  await box.transaction((tx) => tx.publish(RiskAlertSchema, alert(1, "committed")));
  // The shortest of pauses; the one that it is in has some five seconds at least.
  await made.clock.advance(100);
  await until(() => made.landed.length === 1, "the event to be sent");
});

test("relay leaves a topic alone that takes nothing, and others flow", async () => {
  await using made = await fixture();
  let isDown = true;
  made.fault = (records, pass) =>
    isDown && records.some(({ topic }) => topic === ALERTS)
      ? Promise.resolve(
        records.map(({ topic }, at) =>
          topic === ALERTS ? new CqiError("CQI_BUS_UNAVAILABLE", "Down") : {
            eventId: "",
            topic,
            partition: 0,
            offset: BigInt(at),
          }
        ),
      )
      : pass();
  const other = { ...await import("../../bus/mod.ts") }.topic(RiskAlertSchema, { name: "calm" });
  await publishAll(made, [[1, "1"], [1, "2"], [2, "3"]]);
  await made.box.transaction((tx) => tx.publish(other, alert(1, "calm")));
  await until(() => made.landed.some(({ topic }) => topic === "calm"), "the other topic");
  for (let n = 0; n < 5; n++) await made.clock.advance(1000);
  const { attempts } = await made.db.sql<{ attempts: bigint }>`
    select sum(attempts) as attempts from ${table(made)}`.one();
  // What is wrong with the topic is not held against its events.
  assert.equal(attempts, 0n);
  isDown = false;
  await until(async () => {
    await made.clock.advance(5000);
    return (await made.box.backlog()).pending === 0;
  });
  assert.deepEqual(
    made.landed.filter(({ topic }) => topic === ALERTS).map(messageOf).filter((m) => m !== "3"),
    ["1", "2"],
  );
});

test("relay tries an event again with backoff, its key behind it and others before it", async () => {
  await using made = await fixture();
  let failures = 3;
  made.fault = async (records, pass) => {
    const bad = records.findIndex((record) =>
      decode(RiskAlertSchema, record.value!).message === "bad"
    );
    if (bad === -1 || failures === 0) return await pass();
    failures--;
    // As a broker whose partition of that key has no leader.
    const { key } = records[bad]!;
    return records.map((record, at) =>
      record.key === key
        ? new CqiError("CQI_BUS_UNAVAILABLE", "No leader")
        : { eventId: "", topic: record.topic, partition: 0, offset: BigInt(at) }
    );
  };
  await made.box.transaction(async (tx) => {
    await tx.publish(RiskAlertSchema, alert(1, "bad"));
    await tx.publish(RiskAlertSchema, alert(1, "behind"));
    await tx.publish(RiskAlertSchema, alert(2, "free"));
  });
  await until(() => made.landed.length === 1);
  assert.deepEqual(made.landed.map(messageOf), ["free"]);
  await until(async () => {
    await publishAll(made, [[3, "more"]]);
    await made.clock.advance(200);
    return made.landed.some((each) => messageOf(each) === "behind");
  });
  const own = made.landed.map(messageOf).filter((message) => message !== "more");
  assert.deepEqual(own, ["free", "bad", "behind"]);
  assert.equal(failures, 0);
});

test("relay parks an event that is refused for good, and only its key waits", async () => {
  await using made = await fixture();
  made.fault = refusing("poison");
  await made.box.transaction(async (tx) => {
    await tx.publish(RiskAlertSchema, alert(1, "before"));
    await tx.publish(RiskAlertSchema, alert(1, "poison"));
    await tx.publish(RiskAlertSchema, alert(1, "behind"));
    await tx.publish(RiskAlertSchema, alert(2, "free"));
  });
  await until(async () => (await made.box.parked()).length === 1, "the event to be parked");
  await publishAll(made, [[2, "free too"], [1, "behind too"]]);
  await until(() => made.landed.some((each) => messageOf(each) === "free too"));
  assert.deepEqual(made.landed.map(messageOf).sort(), ["before", "free", "free too"]);
  const [parked] = await made.box.parked();
  assert.match(parked!.error, /^CQI_BUS_PERMANENT: Refused/);
  assert.equal(parked!.topic, ALERTS);
  assert.equal(parked!.behind, 2);
  const report = await made.box.check();
  assert.equal(report.status, "degraded");
});

test("retry sends a parked event and then those behind it, in order", async () => {
  await using made = await fixture();
  made.fault = refusing("poison");
  await publishAll(made, [[1, "poison"], [1, "second"], [1, "third"]]);
  await until(async () => (await made.box.parked()).length === 1);
  // The sweeper marks those behind, so that they are not read past each time.
  await until(async () => {
    await made.clock.advance(60_000);
    const { held } = await made.db.sql<{ held: bigint }>`
      select count(*) as held from ${table(made)} where behind is not null`.one();
    return held === 2n;
  }, "those behind to be marked");
  made.fault = undefined;
  const [parked] = await made.box.parked();
  assert.equal(await made.box.retry(parked!.id), true);
  assert.equal(await made.box.retry(parked!.id), false);
  await made.drain();
  assert.deepEqual(made.landed.map(messageOf), ["poison", "second", "third"]);
  assert.deepEqual(await made.box.parked(), []);
});

test("discard gives a parked event up and lets those behind it go", async () => {
  await using made = await fixture();
  made.fault = refusing("poison");
  await publishAll(made, [[1, "poison"], [1, "second"]]);
  await until(async () => (await made.box.parked()).length === 1);
  const [parked] = await made.box.parked();
  assert.equal(await made.box.discard(parked!.id), true);
  assert.equal(await made.box.discard(parked!.id), false);
  await made.drain();
  assert.deepEqual(made.landed.map(messageOf), ["second"]);
  await assert.rejects(made.box.discard(1 as never), { code: "CQI_OPTION_INVALID" });
});

test("relay does not park a whole topic that refuses everything", async () => {
  await using made = await fixture({ section: { relay: false } });
  made.fault = (records) =>
    Promise.resolve(records.map(() => new CqiError("CQI_BUS_PERMANENT", "Not allowed")));
  await publishAll(made, [[1, "1"], [2, "2"], [3, "3"]]);
  await made.another();
  await until(() => made.calls.length >= 4, "each to be tried alone");
  for (let n = 0; n < 10; n++) await made.clock.advance(100);
  assert.deepEqual(await made.box.parked(), []);
  made.fault = undefined;
  await until(async () => {
    await made.clock.advance(5000);
    return (await made.box.backlog()).pending === 0;
  });
  assert.equal(made.landed.length, 3);
});

test("relay parks an event whose attempts are used up", async () => {
  await using made = await fixture({ section: { maxAttempts: 3, initialDelay: 1, maxDelay: 1 } });
  made.fault = (records, pass) =>
    Promise.all(
      records.map((record) =>
        decode(RiskAlertSchema, record.value!).message === "bad"
          ? Promise.resolve(new Error("odd"))
          : pass().then(([first]) => first!)
      ),
    );
  await until(async () => {
    // With another event in the batch, so that it is not the topic.
    await made.box.transaction(async (tx) => {
      await tx.publish(RiskAlertSchema, alert(1, "bad"));
      await tx.publish(RiskAlertSchema, alert(2, "good"));
    });
    await made.clock.advance(10);
    return (await made.box.parked()).length === 1;
  });
  const { attempts } = await made.db.sql<{ attempts: number }>`
    select attempts from ${table(made)} where parked_at is not null and behind is null`.one();
  assert.equal(attempts, 3);
});

function refusing(message: string): NonNullable<Fixture["fault"]> {
  return async (records, pass) => {
    const isPoison = records.map((record) =>
      decode(RiskAlertSchema, record.value!).message === message
    );
    if (!isPoison.includes(true)) return await pass();
    // One bad record spoils the call, as a batch does that the broker finds too large.
    return records.map(() => new CqiError("CQI_BUS_PERMANENT", "Refused\u0000\n"));
  };
}

test("relay bounds its calls by number and by bytes", async () => {
  await using made = await fixture({ section: { relay: false } });
  await made.box.transaction(async (tx) => {
    for (let n = 0; n < 10; n++) await tx.publish(RiskAlertSchema, alert(n, "small"));
  });
  const box = await made.another({ batchSize: 3 });
  await made.drain();
  assert.deepEqual(made.calls, [3, 3, 3, 1]);
  await box.close();
  made.calls.length = 0;
  await made.box.transaction(async (tx) => {
    for (let n = 0; n < 4; n++) await tx.publish(RiskAlertSchema, alert(n, "x".repeat(900)));
  });
  await made.another({ batchBytes: 1024 });
  await made.drain();
  // Each is within the bound alone, two are not.
  assert.deepEqual(made.calls, [1, 1, 1, 1]);
});

test("relay looks by itself when nobody tells it of a commit", async () => {
  await using made = await fixture({ section: { relay: false } });
  await made.another({ pollInterval: "2s" });
  await turn();
  await publishAll(made, [[1, "quiet"]]);
  await turn();
  await made.clock.advance(1000);
  assert.equal(made.landed.length, 0);
  await until(async () => {
    await made.clock.advance(1000);
    return made.landed.length === 1;
  });
});

test("relay waits for a bus that is closed, and loses nothing", async () => {
  await using made = await fixture({ section: { relay: false } });
  await publishAll(made, [[1, "kept"]]);
  await made.bus.close();
  const box = await made.another();
  for (let n = 0; n < 5; n++) await made.clock.advance(1000);
  assert.deepEqual(await made.box.parked(), []);
  assert.equal((await made.box.backlog()).pending, 1);
  await box.close();
});

test("close finishes the batch in hand, is safe twice, and writing goes on", async () => {
  await using made = await fixture({ section: { relay: false } });
  const [first] = await publishAll(made, [[1, "in hand"]]);
  const gate = Promise.withResolvers<void>();
  made.fault = async (_records, pass) => {
    await gate.promise;
    return await pass();
  };
  const box = await made.another();
  await until(() => made.calls.length === 1, "the batch to be in hand");
  const closing = box.close();
  assert.equal(box.close(), closing);
  gate.resolve();
  await closing;
  await box.close();
  assert.deepEqual(made.landed.map(({ id }) => id), [first]);
  assert.equal((await made.box.backlog()).pending, 0);
  made.fault = undefined;
  const { eventId } = await box.transaction((tx) => tx.publish(RiskAlertSchema, alert(1, "later")));
  assert.equal(made.landed.length, 1);
  await made.another();
  await made.drain();
  assert.deepEqual(made.landed.map(({ id }) => id), [first, eventId]);
});

test("close does not wait longer than it may for a call that hangs", async () => {
  await using made = await fixture({ section: { relay: false } });
  await publishAll(made, [[1, "stuck"]]);
  made.fault = () => new Promise(() => {});
  const box = await made.another();
  await until(() => made.calls.length === 1);
  let isClosed = false;
  const closing = box.close().then(() => isClosed = true);
  await made.clock.advance(9000);
  assert.equal(isClosed, false);
  await made.clock.advance(2000);
  await until(() => isClosed, "the outbox to close");
  await closing;
  made.fault = undefined;
});
