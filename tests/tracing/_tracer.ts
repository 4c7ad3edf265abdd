import {
  open,
  type OpenOptions,
  type OpenTracer,
  type TracingConfigInit,
} from "../../tracing/mod.ts";
import * as memory from "../../tracing/drivers/memory.ts";

/** A tracer on the driver `memory`. */
export function memoryTracer(
  section: TracingConfigInit = {},
  options: OpenOptions = {},
): Promise<OpenTracer> {
  return open({ driver: "memory", ...section } as TracingConfigInit, {
    drivers: { memory: () => memory },
    ...options,
  });
}
