import {
  type MetricsConfigInit,
  type MetricsRegistry,
  open,
  type OpenOptions,
} from "../../metrics/mod.ts";
import * as prometheus from "../../metrics/drivers/prometheus.ts";
import { fakeClock } from "../../testing/fake_clock.ts";

/** A registry on the real driver, without the runtime's own metrics. */
export function registry(
  section: MetricsConfigInit = {},
  options: OpenOptions = {},
): Promise<MetricsRegistry> {
  return open({ runtimeMetrics: false, ...section } as MetricsConfigInit, {
    clock: fakeClock(),
    drivers: { prometheus: () => prometheus },
    ...options,
  });
}

/** Lines that are no comments. */
export function samples(body: string): string[] {
  return body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
