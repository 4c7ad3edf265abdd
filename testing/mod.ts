/**
 * For tests of services and of drivers: a clock that moves when told, randomness that repeats, an
 * issuer of tokens, a logger and a tracer that remember, sample events, and the contract suites
 * that every driver of bus, database and cache must pass.
 *
 * @example A line that must be logged an hour from now
 * ```ts
 * import { sleep } from "@cq/cqi/core";
 * import { fakeClock, testLogger } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = fakeClock();
 * const logger = testLogger();
 * const job = sleep(clock, 3_600_000).then(() => logger.info("Swept", { rows: 3 }));
 *
 * await clock.advance(3_599_999);
 * assert.equal(logger.entries.length, 0);
 * await clock.advance(1);
 * await job;
 * logger.expect({ level: "info", message: /Swept/, fields: { rows: 3 } });
 * ```
 *
 * @module
 */
export { aPriceUpdated, SAMPLE_MARKET_ID } from "./builders.ts";
export { type BusBackend, busContract } from "./bus_contract.ts";
export { cacheContract, type CacheContractSubject } from "./cache_contract.ts";
export { databaseContract } from "./database_contract.ts";
export { type FakeClock, fakeClock } from "./fake_clock.ts";
export {
  type RotateOptions,
  type SignOptions,
  type TestIssuer,
  testIssuer,
  type TestIssuerConfig,
  type TestIssuerOptions,
} from "./issuer.ts";
export {
  type PostgresFields,
  type PostgresSection,
  type RealPostgres,
  realPostgres,
  type RealPostgresOptions,
  type StandbyPostgres,
} from "./real_postgres.ts";
export {
  type RealRedis,
  realRedis,
  type RealRedisOptions,
  type RedisNode,
  type RedisReply,
} from "./real_redis.ts";
export { type KafkaNode, type RealKafka, realKafka, type RealKafkaOptions } from "./real_kafka.ts";
export { seededRandom } from "./seeded_random.ts";
export { type ExpectedLog, type TestLogEntry, type TestLogger, testLogger } from "./test_logger.ts";
export { type ExpectedSpan, type TestSpan, type TestTracer, testTracer } from "./test_spans.ts";
