import assert from "node:assert/strict";
import { test } from "node:test";
import { activeContext, LOG_FIELDS, runInContext } from "../../core/mod.ts";
import { testLogger } from "../../testing/test_logger.ts";

test("expect finds a line by level, message and fields", () => {
  const logger = testLogger();
  const child = logger.child({ component: "bus" });
  runInContext(activeContext().with(LOG_FIELDS, { request_id: "r" }), () => {
    child.error(() => "Cannot publish", () => ({ topic: "t", nested: { a: [1, 2n] } }));
  });
  const fields = { component: "bus", request_id: "r", topic: /t/, nested: { a: [1, 2n] } };
  assert.equal(
    logger.expect({ level: "error", message: /publish/, fields }).message,
    "Cannot publish",
  );
  logger.expectNone({ level: "warn" });
});

test("expect says what was logged when nothing fits", () => {
  const logger = testLogger();
  assert.throws(() => logger.expect({ level: "error" }), /nothing was logged/);
  logger.info("hello", { n: 1n, error: new Error("boom") });
  assert.throws(
    () => logger.expect({ level: "error", message: /x/ }),
    /like {"level":"error","message":"\/x\/"}, but these were logged:\n {2}info {2}"hello" {"n":"1n","error":"Error: boom"}/,
  );
  assert.throws(() => logger.expectNone({ message: "hello" }), /Expected no log line/);
  logger.clear();
  assert.equal(logger.entries.length, 0);
});
