import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, systemRandom, uuid, uuidFromName } from "../../core/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { seededRandom } from "../../testing/seeded_random.ts";

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const URL_SPACE = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

test("uuid() is a UUID of version 7 and variant 10", () => {
  for (let i = 0; i < 1000; i++) assert.match(uuid(systemClock, systemRandom), UUID_V7);
});

test("uuid() holds the millisecond in its first 48 bits", () => {
  const clock = fakeClock(1_767_225_600_123);
  const id = uuid(clock, systemRandom);
  assert.equal(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16), 1_767_225_600_123);
});

test("uuid() sorts by time as text", async () => {
  const clock = fakeClock();
  const ids: string[] = [];
  for (let i = 0; i < 200; i++) {
    ids.push(uuid(clock, systemRandom));
    await clock.advance(1);
  }
  assert.deepEqual(ids.toSorted(), ids);
});

test("uuid() gives 100,000 different ids within one millisecond", () => {
  const clock = fakeClock();
  const ids = new Set(Array.from({ length: 100_000 }, () => uuid(clock, systemRandom)));
  assert.equal(ids.size, 100_000);
});

test("uuid() is repeatable with a clock and randomness that are", () => {
  const make = (): string[] => {
    const [clock, random] = [fakeClock(), seededRandom(1)];
    return Array.from({ length: 3 }, () => uuid(clock, random));
  };
  assert.deepEqual(make(), make());
});

test("uuidFromName() gives the ids of the RFC's and other published examples", async () => {
  assert.equal(await uuidFromName(DNS, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  assert.equal(await uuidFromName(DNS, "python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  assert.equal(
    await uuidFromName(DNS, "hello.example.com"),
    "fdda765f-fc57-5604-a269-52a7df8164ec",
  );
  assert.equal(
    await uuidFromName(URL_SPACE, "http://example.com/hello"),
    "3bbcee75-cecc-5b56-8031-b6641c1ed1f1",
  );
});

test("uuidFromName() tells names and namespaces apart, and takes any name", async () => {
  const names = ["", " ", "a", "A", "é", "e\u0301", "\0", "x".repeat(100_000)];
  const ids = await Promise.all(
    names.flatMap((name) => [uuidFromName(DNS, name), uuidFromName(URL_SPACE, name)]),
  );
  assert.equal(new Set(ids).size, names.length * 2);
});

test("uuidFromName() reads a namespace in capitals as the same", async () => {
  assert.equal(await uuidFromName(DNS.toUpperCase(), "a"), await uuidFromName(DNS, "a"));
});

test("uuidFromName() refuses a namespace that is no UUID, without quoting it", async () => {
  const wrong = [
    "",
    "dns",
    DNS.slice(1),
    `${DNS}0`,
    DNS.replaceAll("-", ""),
    `{${DNS}}`,
    `${DNS}\n`,
  ];
  for (const namespace of wrong) {
    await assert.rejects(uuidFromName(namespace, "a"), {
      code: "CQI_OPTION_INVALID",
      message: "Cannot use option 'namespace': it must be a UUID, " +
        `current value is a string of ${namespace.length} characters`,
    });
  }
});
