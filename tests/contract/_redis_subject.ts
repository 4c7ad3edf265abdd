import { create } from "@bufbuild/protobuf";
import type { CacheDriverModule } from "../../cache/mod.ts";
import { instruments, sleep, systemClock } from "../../core/mod.ts";
import { CacheConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { CacheContractSubject } from "../../testing/cache_contract.ts";
import type { RealRedis } from "../../testing/real_redis.ts";

/** What the driver declares, in all its modes. */
export const REDIS_FEATURES = {
  remote: true,
  atomic: true,
  clear: true,
  lease: true,
  listen: true,
  minTtlMs: 1,
};

/** Makes drivers over a real Redis, for the contract suite. */
export function redisSubject(
  redis: RealRedis,
  createDriver: CacheDriverModule["createDriver"],
): () => Promise<CacheContractSubject> {
  return async () => {
    const config = create(CacheConfigSchema, { driver: "redis", redis: redis.section });
    const driver = await createDriver(config, instruments());
    return { driver, wait: (ms) => sleep(systemClock, ms) };
  };
}
