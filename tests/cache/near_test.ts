import assert from "node:assert/strict";
import { test } from "node:test";
import { Near } from "../../cache/_near.ts";
import { systemRandom } from "../../core/mod.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { testLogger } from "../../testing/test_logger.ts";
import { openFixture, remote } from "./_fixture.ts";

const one = new Uint8Array([1]);

test("The near tier counts the tags of its values within its bytes", () => {
  const near = new Near(fakeClock(), { maxBytes: 100_000 });
  const tags = Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(200, "x"));
  const value = { payload: one, ttlMs: 1000, keepMs: 0, freshUntil: Infinity, tags };
  for (let i = 0; i < 100; i++) near.end(near.begin(`k${i}`), value);
  // 16 tags of 200 characters are 3,200 of the some 3,900 bytes of each.
  assert.ok(near.size > 20 && near.size < 32, `${near.size} values`);
});

test("set() draws one time to live for the backend and the near tier", async () => {
  let draws = 0;
  const random = { ...systemRandom, next: () => (draws++, 0.5) };
  await using fixture = await openFixture({
    env: { random },
    wrap: (driver) => remote(driver, () => {}),
  });
  const options = { name: "b", ttl: "1m", jitter: 0.5, near: "5m", lease: "none" } as const;
  const bytes = fixture.cache.bytes(options);
  await bytes.setMany([["a", one], ["b", one]]);
  assert.equal(draws, 2);
  await bytes.getOrLoad("c", () => one);
  await fixture.clock.advance(0);
  assert.equal(draws, 3);
});

test("Unreadable values are warned of once in a while, with how many there were", async () => {
  const logger = testLogger();
  await using fixture = await openFixture({ env: { logger } });
  const bytes = fixture.cache.bytes({ name: "b", ttl: "1m" });
  const read = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      await fixture.driver.set([{ key: "cqi:b:-bytes:k", value: one, ttlMs: undefined }]);
      assert.equal(await bytes.get("k"), undefined);
    }
  };
  await read();
  await fixture.clock.advance(10_000);
  await read();
  const warnings = logger.entries.filter(({ level }) => level === "warn");
  assert.deepEqual(warnings.map(({ fields }) => fields["count"]), [1, 100]);
  assert.equal(fixture.counts["b get corrupt"], 200);
});

test("Values that are too large are warned of once in a while, with how many there were", async () => {
  const logger = testLogger();
  await using fixture = await openFixture({ env: { logger }, section: { maxValueBytes: 10n } });
  const bytes = fixture.cache.bytes({ name: "b", ttl: "1m" });
  const write = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) assert.equal(await bytes.set("k", new Uint8Array(11)), false);
  };
  await write();
  await fixture.clock.advance(10_000);
  await write();
  const warnings = logger.entries.filter(({ level }) => level === "warn");
  assert.deepEqual(warnings.map(({ fields }) => fields["count"]), [1, 100]);
  assert.equal(fixture.counts["b set too_large"], 200);
});
