import type { Clock, Counter, Gauge, Histogram } from "../core/mod.ts";
import type { Registry } from "./_registry.ts";

const LAG_PERIOD_MS = 100;
const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const only = <M>(set: { with(labels: Record<string, string>): unknown }): M => set.with({}) as M;

/** The event loop's lag: how much later than asked for a timer fires. */
function measureLag(registry: Registry, clock: Clock): () => void {
  const lag = registry.histogram({
    name: "runtime_event_loop_lag_seconds",
    help: "How late timers fire, looked at ten times a second",
    buckets: LAG_BUCKETS,
  });
  let stopped = false;
  let cancel = (): void => {};
  const arm = (): void => {
    const due = clock.monotonic() + LAG_PERIOD_MS;
    const timer = clock.timer(
      () => {
        if (stopped) return;
        lag.observe(Math.max(0, clock.monotonic() - due) / 1000);
        arm();
      },
      LAG_PERIOD_MS,
      { background: true },
    );
    cancel = () => timer.cancel();
  };
  arm();
  return () => {
    stopped = true;
    cancel();
  };
}

/** Makes a counter follow a number that is read. */
function follow(counter: Counter): (value: number) => void {
  let last = 0;
  return (value) => {
    counter.add(Math.max(0, value - last));
    last = Math.max(last, value);
  };
}

/**
 * Measures the process: the same names on every runtime. Names that every Prometheus client has
 * (`process_…`) stand without the namespace.
 *
 * @returns Stops it.
 */
export async function measureRuntime(registry: Registry, clock: Clock): Promise<() => void> {
  const { runtimeStats } = await import("../internal/runtime/runtime_stats.ts");
  const stats = runtimeStats(clock.now());
  if (stats === undefined) return () => {};
  const counter = (name: string, help: string): (value: number) => void =>
    follow(only<Counter>(registry.define("counter", { name, help })));
  const gauge = (name: string, help: string): Gauge =>
    only<Gauge>(registry.define("gauge", { name, help }));

  gauge("process_start_time_seconds", "Start of the process, Unix time").set(stats.startSeconds);
  registry.gauge({
    name: "runtime_info",
    help: "Name and version of the JavaScript runtime; always 1",
    labels: ["runtime", "version"],
  }).with({ runtime: stats.runtime.name, version: stats.runtime.version }).set(1);
  const resident = gauge("process_resident_memory_bytes", "Resident memory");
  const cpu = counter("process_cpu_seconds_total", "CPU time, user and system");
  const cpuUser = counter("process_cpu_user_seconds_total", "CPU time in user mode");
  const cpuSystem = counter("process_cpu_system_seconds_total", "CPU time in system mode");
  const heapTotal = registry.gauge({ name: "runtime_heap_total_bytes", help: "Heap as allocated" });
  const heapUsed = registry.gauge({ name: "runtime_heap_used_bytes", help: "Heap in use" });
  const external = registry.gauge({
    name: "runtime_external_memory_bytes",
    help: "Memory outside the heap that objects on it hold",
  });
  const handles = registry.gauge({
    name: "runtime_active_resources",
    help:
      "Timers, sockets and files that keep the process alive; 0 where the runtime does not tell",
  });
  const gc: Histogram = registry.histogram({
    name: "runtime_gc_duration_seconds",
    help: "Garbage collections; none where the runtime does not tell",
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
  });

  const stopCollect = registry.onCollect(() => {
    const now = stats.read();
    resident.set(now.residentBytes);
    cpu(now.cpuUserSeconds + now.cpuSystemSeconds);
    cpuUser(now.cpuUserSeconds);
    cpuSystem(now.cpuSystemSeconds);
    heapTotal.set(now.heapTotalBytes);
    heapUsed.set(now.heapUsedBytes);
    external.set(now.externalBytes);
    handles.set(now.activeResources);
  });
  const stopGc = stats.onGc((seconds) => gc.observe(seconds));
  const stopLag = measureLag(registry, clock);
  return () => {
    stopCollect();
    stopGc();
    stopLag();
  };
}
