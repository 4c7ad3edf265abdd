import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assign, type Candidate, type Share } from "../../bus/drivers/_kafka_assign.ts";

const TOPICS = ["a", "b", "c"];

const counts = fc.record({ a: fc.nat(8), b: fc.nat(8), c: fc.nat(8) })
  .map((each) => new Map(Object.entries(each)));
const memberTopics = fc.array(fc.subarray(TOPICS, { minLength: 1 }), {
  minLength: 1,
  maxLength: 5,
});

function newcomers(topics: readonly (readonly string[])[]): Candidate[] {
  return topics.map((each, index) => ({
    id: `m${index}`,
    topics: each,
    owned: [],
    generation: -1,
  }));
}

/** The members after they have taken up what they were given. */
function settled(members: readonly Candidate[], shares: Map<string, Share>, generation: number) {
  return members.map((member) => ({
    ...member,
    owned: [...shares.get(member.id) ?? []].map(([topic, partitions]) => ({ topic, partitions })),
    generation,
  }));
}

function names(share: Share | undefined): string[] {
  return [...share ?? []].flatMap(([topic, all]) =>
    all.map((partition) => `${topic}:${partition}`)
  );
}

function loads(shares: Map<string, Share>): number[] {
  return [...shares.values()].map((share) => names(share).length);
}

test("assign gives each partition that anybody reads to exactly one of its readers", () => {
  fc.assert(fc.property(memberTopics, counts, (topics, sizes) => {
    const members = newcomers(topics);
    const shares = assign(members, sizes);
    const given = [...shares].flatMap(([id, share]) => names(share).map((name) => ({ id, name })));
    const wanted = [...sizes].flatMap(([topic, count]) =>
      members.some((member) => member.topics.includes(topic))
        ? Array.from({ length: count }, (_, partition) => `${topic}:${partition}`)
        : []
    );
    assert.deepEqual(given.map(({ name }) => name).sort(), wanted.sort());
    for (const { id, name } of given) {
      const member = members.find((each) => each.id === id)!;
      assert.ok(member.topics.includes(name.slice(0, 1)), `${id} does not read ${name}`);
    }
  }));
});

test("assign shares one topic evenly, one partition more or less", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(40), (count, partitions) => {
    const members = newcomers(Array.from({ length: count }, () => ["a"]));
    const all = loads(assign(members, new Map([["a", partitions]])));
    assert.ok(Math.max(...all) - Math.min(...all) <= 1, all.join());
  }));
});

test("assign leaves everything where it is when nothing has changed", () => {
  fc.assert(fc.property(memberTopics, counts, (topics, sizes) => {
    const members = newcomers(topics);
    const first = assign(members, sizes);
    const second = assign(settled(members, first, 1), sizes);
    for (const { id } of members) {
      assert.deepEqual(names(second.get(id)).sort(), names(first.get(id)).sort());
    }
  }));
});

test("assign gives nobody what another has yet to give up, and settles in the next round", () => {
  fc.assert(fc.property(memberTopics, counts, fc.nat(), (topics, sizes, pick) => {
    const old = newcomers(topics);
    const before = settled(old, assign(old, sizes), 1);
    const joined = { id: "new", topics: TOPICS, owned: [], generation: -1 };
    const left = before.filter((_, index) => before.length === 1 || index !== pick % before.length);
    const members = [...left, joined];
    const first = assign(members, sizes);
    for (const { id } of members) {
      for (const name of names(first.get(id))) {
        const owner = left.find((each) =>
          names(new Map(each.owned.map((o) => [o.topic, [...o.partitions]]))).includes(name)
        );
        assert.ok(owner === undefined || owner.id === id, `${name} has two owners`);
      }
    }
    const second = assign(settled(members, first, 2), sizes);
    const third = assign(settled(members, second, 3), sizes);
    const readable = [...sizes].reduce((sum, [, count]) => sum + count, 0);
    assert.equal(loads(second).reduce((sum, load) => sum + load, 0), readable);
    for (const { id } of members) {
      assert.deepEqual(names(third.get(id)).sort(), names(second.get(id)).sort());
    }
  }));
});

test("assign believes the later generation where two members say they own the same", () => {
  const owned = [{ topic: "a", partitions: [0] }];
  const stale = { id: "m1", topics: ["a"], owned, generation: 4 };
  const current = { id: "m2", topics: ["a"], owned, generation: 5 };
  const shares = assign([stale, current], new Map([["a", 1]]));
  assert.deepEqual(names(shares.get("m2")), ["a:0"]);
  assert.deepEqual(names(shares.get("m1")), []);
});
