// Which drivers run in a worker: no sockets, no files, no process.
import type { ServiceDrivers } from "../../service/mod.ts";

/** All drivers of a worker. */
export const DRIVERS: Required<Omit<ServiceDrivers, "http">> = {
  bus: {
    memory: () => import("../../bus/drivers/memory.ts"),
  },
  cache: {
    memory: () => import("../../cache/drivers/memory.ts"),
  },
  database: {
    mock: () => import("../../database/drivers/mock.ts"),
  },
  metrics: {},
  tracing: {
    memory: () => import("../../tracing/drivers/memory.ts"),
    otlp: () => import("../../tracing/drivers/otlp.ts"),
  },
};
