import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entryOf, recorded } from "./_lines.ts";
import { redactSecrets } from "../../internal/redact_secrets.ts";
import * as metricsModule from "../../metrics/mod.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";

const text = fc.string({ unit: "binary", maxLength: 300 });

test("Logger writes any text as message, key and value so that it reads back the same", async () => {
  const { log, lines } = await recorded();
  fc.assert(
    fc.property(text, text, text, (message, key, value) => {
      const before = lines.length;
      log.info(message, { [`x${key.slice(0, 100)}`]: value, "": value });
      assert.equal(lines.length, before + 1);
      const line = lines.at(-1)!;
      // deno-lint-ignore no-control-regex -- control characters are what the test looks for
      assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      assert.ok(line.isWellFormed());
      const parsed = JSON.parse(line);
      assert.equal(parsed.message, redactSecrets(message));
      assert.equal(parsed.attributes[""], redactSecrets(value));
      entryOf(line);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("Logger writes any value as one valid line", async () => {
  const { log, lines } = await recorded();
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), anything), (fields) => {
      const before = lines.length;
      log.info("m", fields);
      log.child(fields).info("n", fields);
      assert.equal(lines.length, before + 2);
      for (const line of lines.slice(-2)) entryOf(line);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("open counts lines by level, and those that the sink dropped", async () => {
  const metrics = await metricsModule.open({ runtimeMetrics: false }, {
    drivers: { prometheus: () => prometheus },
  });
  let dropped = 0;
  const { log } = await recorded({}, {
    metrics,
    sink: {
      write: () => void dropped++,
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
      get dropped() {
        return dropped;
      },
    },
  });
  log.info("a");
  log.error("b");
  log.debug("off");
  await metrics.expose();
  log.info("c");
  const { body } = await metrics.expose();
  assert.match(body, /^cqi_log_entries_total\{level="info"\} 2$/m);
  assert.match(body, /^cqi_log_entries_total\{level="error"\} 1$/m);
  assert.match(body, /^cqi_log_dropped_total 3$/m);
});
