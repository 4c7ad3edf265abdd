import * as bus from "../../bus/mod.ts";
import { createDriver, memoryBroker } from "../../bus/drivers/memory.ts";
import { busContract } from "../../testing/bus_contract.ts";

const broker = memoryBroker();
const drivers: bus.OpenOptions["drivers"] = {
  memory: () => ({ createDriver: (config, env) => createDriver(config, env, broker) }),
};

busContract(
  "bus memory",
  { open: (section, options) => bus.open(section, { ...options, drivers }) },
  {
    persistent: false,
    crossProcess: false,
    idempotentProducer: true,
    startAtTime: true,
    startAtOffset: true,
    lag: true,
    attemptsPersist: true,
  },
);
