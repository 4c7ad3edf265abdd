import assert from "node:assert/strict";
import { sleep, systemClock, systemRandom, uuid } from "../../core/mod.ts";
import { seededRandom } from "../../testing/mod.ts";
import { type Client, type Delivered, startWorker } from "./_client.ts";
import { type Entry, judge } from "./_judge.ts";
import type { Message } from "./_protocol.ts";

type Env = Readonly<Record<string, string>>;

/** A name that no other run uses. */
export function fresh(what: string): string {
  return `${what}-${uuid(systemClock, systemRandom)}`;
}

function messageOf(n: number, key: string): Message {
  return {
    uuid: fresh(String(n)),
    metadata: { key, "Odd Name": "füßchen\r\n\u2028" },
    payload: Buffer.from(`payload ${n}`).toString("base64"),
  };
}

// A member that is killed is waited for until its session is over, a broker until it is back.
async function until(done: () => boolean, what: string): Promise<void> {
  const since = performance.now();
  while (!done()) {
    if (performance.now() - since > 45_000) throw new Error(`Waited in vain for ${what}`);
    await sleep(systemClock, 5);
  }
}

/** Drives a worker, and keeps the history of one topic: its own, or that of another worker too. */
class Driver {
  readonly history: Entry[];
  readonly topic: string;
  readonly #client: Client;
  readonly #groups = new Map<number, string>();
  readonly #early: Delivered[] = [];
  readonly #answer: (uuid: string) => "ack" | "nack" | "none";

  constructor(client: Client, answer: (uuid: string) => "ack" | "nack" | "none", beside?: Driver) {
    this.#client = client;
    this.#answer = answer;
    this.history = beside?.history ?? [];
    this.topic = beside?.topic ?? fresh("topic");
    client.onDelivery((delivered) => this.#take(delivered));
  }

  #take(delivered: Delivered): void {
    const { sub, d, msg: { uuid } } = delivered;
    const group = this.#groups.get(sub);
    // The line may have been read before the code that waits for the answer ran.
    if (group === undefined) return void this.#early.push(delivered);
    this.history.push({ kind: "deliver", group, uuid });
    const op = this.#answer(uuid);
    if (op === "none") return;
    this.history.push({ kind: op, group, uuid });
    this.#client.tell({ op, sub, d });
  }

  async open(group: string): Promise<number> {
    const { h } = await this.#client.ask({ op: "new", group });
    return h as number;
  }

  async subscribe(h: number, group: string): Promise<number> {
    const { topic } = this;
    await this.#client.ask({ op: "init", h, topic });
    const { sub } = await this.#client.ask({ op: "subscribe", h, topic });
    this.#groups.set(sub as number, group);
    for (const delivered of this.#early.splice(0)) this.#take(delivered);
    return sub as number;
  }

  async publish(h: number, msgs: readonly Message[]): Promise<void> {
    for (const { uuid, metadata } of msgs) {
      this.history.push({ kind: "publish", uuid, key: metadata["key"] ?? "" });
    }
    const { topic } = this;
    await this.#client.ask({ op: "publish", h, topic, msgs });
    for (const { uuid } of msgs) this.history.push({ kind: "accepted", uuid });
  }

  acked(group: string): number {
    const uuids = this.history.filter((entry) => entry.kind === "ack" && entry.group === group);
    return new Set(uuids.map((entry) => "uuid" in entry && entry.uuid)).size;
  }

  async cancel(sub: number): Promise<void> {
    this.history.push({ kind: "disrupt", group: this.#groups.get(sub)! });
    this.#client.tell({ op: "cancel", sub });
    await this.#client.ended(sub);
  }
}

/** Two groups, one of two members, and a reader of everything; one delivery in ten is refused. */
export async function everythingArrives(env: Env): Promise<void> {
  await using client = startWorker(env);
  const random = seededRandom(11);
  const driver = new Driver(client, () => random.next() < 0.1 ? "nack" : "ack");
  const groups = [fresh("shared"), fresh("alone")] as const;
  const shared = await driver.open(groups[0]);
  const alone = await driver.open(groups[1]);
  const reader = await driver.open("");
  await driver.subscribe(shared, groups[0]);
  await driver.subscribe(shared, groups[0]);
  await driver.subscribe(alone, groups[1]);
  await driver.subscribe(reader, "reader");
  const all = [...groups, "reader"];
  for (let n = 0; n < 1000; n += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => messageOf(n + i, `k${(n + i) % 12}`));
    await driver.publish(n % 200 === 0 ? shared : alone, batch);
  }
  await until(() => all.every((group) => driver.acked(group) === 1000), "every acknowledgement");
  assert.deepEqual(judge(driver.history, all), []);
}

/**
 * Members of a group come and go while messages flow. None is refused: what is done behind a refused
 * one of its partition may come again.
 */
export async function membersComeAndGo(env: Env): Promise<void> {
  await using client = startWorker(env);
  const driver = new Driver(client, () => "ack");
  const group = fresh("group");
  const h = await driver.open(group);
  let leaving = await driver.subscribe(h, group);
  for (let round = 0; round < 5; round++) {
    const batch = Array.from(
      { length: 100 },
      (_, i) => messageOf(i, i % 9 === 0 ? "" : `k${i % 7}`),
    );
    const published = driver.publish(h, batch);
    const joined = await driver.subscribe(h, group);
    await driver.cancel(leaving);
    leaving = joined;
    await published;
  }
  await until(() => driver.acked(group) === 500, "every acknowledgement");
  assert.deepEqual(judge(driver.history, [group]), []);
}

/** What is not answered holds up its key and no other, and comes again to the next member. */
export async function unansweredHoldsItsKey(env: Env): Promise<void> {
  await using client = startWorker(env);
  let quiet = true;
  const stuck = messageOf(0, "stuck");
  const driver = new Driver(client, (uuid) => quiet && uuid === stuck.uuid ? "none" : "ack");
  const group = fresh("group");
  const h = await driver.open(group);
  const sub = await driver.subscribe(h, group);
  const behind = messageOf(1, "stuck");
  const others = Array.from({ length: 50 }, (_, i) => messageOf(i + 2, `free${i}`));
  await driver.publish(h, [stuck, behind, ...others]);
  await until(() => driver.acked(group) === 50, "the other keys");
  const isBehind = (entry: Entry): boolean => "uuid" in entry && entry.uuid === behind.uuid;
  assert.equal(driver.history.filter((e) => e.kind === "deliver").some(isBehind), false);
  quiet = false;
  const next = driver.subscribe(h, group);
  await driver.cancel(sub);
  await next;
  await until(() => driver.acked(group) === 52, "what was held up");
  const rules = judge(driver.history, [group]).map(({ rule }) => rule);
  // What was done behind the unanswered one in its partition may come twice.
  assert.deepEqual(rules.filter((rule) => rule !== "duplicate"), []);
}

/** Closing ends subscriptions first, may be asked for twice, and refuses what comes after. */
export async function closingIsIdempotent(env: Env): Promise<void> {
  const client = startWorker(env);
  const driver = new Driver(client, () => "ack");
  const group = fresh("group");
  const h = await driver.open(group);
  const subs = [await driver.subscribe(h, group), await driver.subscribe(h, group)];
  const batch = Array.from({ length: 20 }, (_, i) => messageOf(i, `k${i}`));
  await driver.publish(h, batch);
  await Promise.all([client.ask({ op: "close", h }), client.ask({ op: "close", h })]);
  await Promise.all(subs.map((sub) => client.ended(sub)));
  await client.ask({ op: "close", h });
  await assert.rejects(driver.publish(h, batch.slice(0, 1)), /closed/);
  await assert.rejects(driver.subscribe(h, group), /closed/);
  const { topic } = driver;
  await assert.rejects(client.ask({ op: "init", h, topic }), /closed/);
  await assert.rejects(client.ask({ op: "init", h: 99, topic }), /No bus 99/);
  await assert.rejects(client.ask({ op: "publish", h: 99, topic, msgs: [] }), /No bus 99/);
  const other = await driver.open(group);
  const bad = { uuid: "u", metadata: {}, payload: "%%%" };
  const publish = { op: "publish", h: other, topic, msgs: [bad] };
  await assert.rejects(client.ask(publish), /payload is no base64/);
  // A subscription that is being made while its bus closes is refused, or ends with it.
  const [made] = await Promise.allSettled([
    client.ask({ op: "subscribe", h: other, topic }),
    client.ask({ op: "close", h: other }),
  ]);
  if (made.status === "fulfilled") await client.ended(made.value["sub"] as number);
  await assert.rejects(client.ask({ op: "levitate" }), /Unknown op/);
  await assert.rejects(client.ask({ op: "new" }), /lacks group/);
  assert.equal(await client.finish(), 0);
}

const ACCEPTED = (entry: Entry): boolean => entry.kind === "accepted";

/**
 * A worker is killed in the middle, another takes its place: what it had not done, and of its
 * partitions what was not committed yet, comes again, and nothing else.
 */
export async function killedOneIsReplaced(env: Env): Promise<void> {
  await using client = startWorker(env);
  const group = fresh("group");
  const driver = new Driver(client, () => "ack");
  const h = await driver.open(group);
  await driver.subscribe(h, group);
  let told = 0;
  const victim = startWorker(env);
  const dying = new Driver(victim, () => ++told % 5 === 0 ? "none" : "ack", driver);
  await dying.subscribe(await dying.open(group), group);
  const batch = (from: number): Message[] =>
    Array.from({ length: 100 }, (_, i) => messageOf(from + i, `k${i % 24}`));
  await driver.publish(h, batch(0));
  await until(() => told >= 10, "deliveries to the one that is killed");
  const publishing = driver.publish(h, batch(100));
  driver.history.push({ kind: "disrupt", group });
  await victim.kill();
  await publishing;
  await using next = startWorker(env);
  const heir = new Driver(next, () => "ack", driver);
  await heir.subscribe(await heir.open(group), group);
  await driver.publish(h, batch(200));
  await until(() => driver.acked(group) === 300, "every acknowledgement");
  const findings = judge(driver.history, [group]).filter(({ rule }) => rule !== "duplicate");
  assert.deepEqual(findings, []);
}

/**
 * The broker is killed and started again, twice, while messages flow.
 *
 * @param restart Kills the broker and starts it again; resolves when it is back.
 * @returns What was counted: repeats, and milliseconds from the broker being back to the end.
 */
export async function brokerRestarts(env: Env, restart: () => Promise<void>): Promise<string> {
  const COUNT = 10_000;
  const SIZE = 200;
  await using client = startWorker(env);
  const group = fresh("group");
  const driver = new Driver(client, () => "ack");
  const h = await driver.open(group);
  await driver.subscribe(h, group);
  const batches = Array.from(
    { length: COUNT / SIZE },
    (_, n) => Array.from({ length: SIZE }, (_, i) => messageOf(n * SIZE + i, `k${i % 50}`)),
  );
  const reaches = (count: number) =>
    until(() => driver.history.filter(ACCEPTED).length >= count, `${count} accepted ones`);
  const publishing = (async () => {
    for (const batch of batches) await driver.publish(h, batch);
  })();
  publishing.catch(() => {});
  await reaches(COUNT / 5);
  await restart();
  await reaches(COUNT / 2);
  await restart();
  const since = performance.now();
  await publishing;
  await until(() => driver.acked(group) === COUNT, "every acknowledgement");
  const took = Math.round(performance.now() - since);
  const findings = judge(driver.history, [group]);
  assert.deepEqual(findings.filter(({ rule }) => rule !== "duplicate"), []);
  return `${COUNT} of ${COUNT}, ${findings.length} repeats, ${took} ms after the broker was back`;
}
