import {
  open,
  type OpenTracer,
  type TracingConfigInit,
  type OpenOptions,
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
