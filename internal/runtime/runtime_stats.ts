// What a process says of itself, by the functions that Deno, Node and Bun have in common.

/** How a process is doing. */
export interface RuntimeStats {
  /** Name and version of the runtime. */
  readonly runtime: { readonly name: "deno" | "bun" | "node"; readonly version: string };
  /** When the process started, Unix seconds. */
  readonly startSeconds: number;
  /** As of now. */
  read(): RuntimeSample;
  /**
   * Calls a function for each garbage collection, where the runtime tells of them.
   *
   * @returns Stops the calls.
   */
  onGc(callback: (durationSeconds: number) => void): () => void;
}

/** Figures of one moment. */
export interface RuntimeSample {
  readonly residentBytes: number;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  /** Timers, sockets, files and the like that keep the process alive. */
  readonly activeResources: number;
}

interface ProcessLike {
  readonly versions: Readonly<Record<string, string | undefined>>;
  uptime(): number;
  memoryUsage(): Readonly<Record<"rss" | "heapTotal" | "heapUsed" | "external", number>>;
  cpuUsage(): { readonly user: number; readonly system: number };
  getActiveResourcesInfo?(): readonly string[];
  getBuiltinModule(id: string): unknown;
}
interface GcObserver {
  observe(options: { entryTypes: string[] }): void;
  disconnect(): void;
}
interface PerfHooks {
  readonly PerformanceObserver?: {
    new (callback: (list: { getEntries(): { duration: number }[] }) => void): GcObserver;
    readonly supportedEntryTypes?: readonly string[];
  };
}

const US_PER_SECOND = 1_000_000;
const MS_PER_SECOND = 1000;

function observeGc(process: ProcessLike, callback: (seconds: number) => void): () => void {
  const { PerformanceObserver } = process.getBuiltinModule("node:perf_hooks") as PerfHooks;
  if (PerformanceObserver?.supportedEntryTypes?.includes("gc") !== true) return () => {};
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) callback(duration / MS_PER_SECOND);
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => observer.disconnect();
}

function activeResources(process: ProcessLike): number {
  try {
    return process.getActiveResourcesInfo?.().length ?? 0;
  } catch {
    // There, but not made yet in some versions of Deno.
    return 0;
  }
}

/**
 * The figures of this process, or undefined where there is no process (a worker at the edge).
 *
 * @param now Wall time in Unix milliseconds.
 */
export function runtimeStats(now: number): RuntimeStats | undefined {
  const process = (globalThis as { process?: Partial<ProcessLike> }).process;
  if (process?.memoryUsage === undefined || process.cpuUsage === undefined) return undefined;
  const host = process as ProcessLike;
  const { deno, bun, node } = host.versions;
  const name = deno !== undefined ? "deno" : bun !== undefined ? "bun" : "node";
  return {
    runtime: { name, version: deno ?? bun ?? node ?? "unknown" },
    startSeconds: now / MS_PER_SECOND - host.uptime(),
    read() {
      const memory = host.memoryUsage();
      const cpu = host.cpuUsage();
      return {
        residentBytes: memory.rss,
        heapTotalBytes: memory.heapTotal,
        heapUsedBytes: memory.heapUsed,
        externalBytes: memory.external,
        cpuUserSeconds: cpu.user / US_PER_SECOND,
        cpuSystemSeconds: cpu.system / US_PER_SECOND,
        activeResources: activeResources(host),
      };
    },
    onGc: (callback) => observeGc(host, callback),
  };
}
