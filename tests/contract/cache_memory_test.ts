import { create } from "@bufbuild/protobuf";
import { createDriver } from "../../cache/drivers/memory.ts";
import { CacheConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { cacheContract } from "../../testing/cache_contract.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

cacheContract(() => {
  const clock = fakeClock();
  const driver = createDriver(create(CacheConfigSchema), { clock });
  return { driver, clock, wait: (ms) => clock.advance(ms) };
}, { remote: false, atomic: true, clear: true, lease: false, listen: false, minTtlMs: 1 });
