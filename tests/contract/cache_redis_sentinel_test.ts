import { createDriver } from "../../cache/drivers/redis.ts";
import { cacheContract } from "../../testing/cache_contract.ts";
import { realRedis } from "../../testing/real_redis.ts";
import { real } from "../_real.ts";
import { REDIS_FEATURES, redisSubject } from "./_redis_subject.ts";

const redis = await real(() => realRedis({ mode: "sentinel" }));
if (redis !== undefined) cacheContract(redisSubject(redis, createDriver), REDIS_FEATURES);
