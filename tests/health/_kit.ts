import type { Timer } from "../../core/mod.ts";
import { type Health, type HealthConfigInit, open, type OpenOptions } from "../../health/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { type Line, recordingLogger, recordingMetrics } from "../auth/_kit.ts";

/** The service that is asked. */
export const service: OpenOptions["service"] = {
  name: "cqpm",
  version: "1.4.2",
  instanceId: "cqpm-7d9f.internal",
};

/** What one test of health works with. */
export interface Kit {
  readonly clock: FakeClock;
  readonly lines: Line[];
  readonly values: Map<string, number>;
  readonly health: Health;
  /** Asks a path under `/health/`. */
  probe(name: string, method?: string): Promise<Response>;
  /** The status of the answer. */
  status(name: string): Promise<number>;
}

/** Health on a clock that stands still. */
export function kit(section: HealthConfigInit = {}, more: Partial<OpenOptions> = {}): Kit {
  const clock = fakeClock();
  const lines: Line[] = [];
  const values = new Map<string, number>();
  const health = open(section, {
    service,
    clock,
    logger: recordingLogger(lines),
    metrics: recordingMetrics(values),
    ...more,
  });
  const probe = async (name: string, method = "GET"): Promise<Response> =>
    await health.handler(new Request(`http://10.0.3.17:8080/health/${name}`, { method }));
  const status = async (name: string): Promise<number> => (await probe(name)).status;
  return { clock, lines, values, health, probe, status };
}

/** Health whose timers fire late, as they do when something blocks the event loop. */
export interface LaggingKit {
  readonly health: Health;
  /** Timers that are pending. */
  pending(): number;
  /** Lets one turn of the monitor be this late. */
  lag(ms: number): Promise<void>;
  /** Status of the liveness probe. */
  status(): Promise<number>;
}

/** Makes health on a clock whose timers can be late. */
export function laggingKit(): LaggingKit {
  const inner = fakeClock();
  let shift = 0;
  const clock = {
    now: (): number => inner.now() + shift,
    monotonic: (): number => inner.monotonic() + shift,
    timer: (callback: () => void, delayMs: number): Timer => inner.timer(callback, delayMs),
  };
  const health = open({}, { service, clock });
  return {
    health,
    pending: () => inner.pending,
    async lag(ms) {
      await inner.advance(999);
      shift += ms;
      await inner.advance(1);
    },
    status: async () => (await health.handler(new Request("http://localhost/health/live"))).status,
  };
}
