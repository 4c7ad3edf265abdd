import type { Instruments } from "../core/mod.ts";
import { withDeadline } from "../core/mod.ts";
import { exitProcess, onStopSignal, onUncaught } from "../internal/runtime/process.ts";

interface Running extends Instruments {
  readonly budgetMs: number;
  close(): Promise<void>;
  /** Turns readiness red, for balancers to see while the main work ends. */
  drain(): void;
}

/** Runs the main work of a service until it ends, fails, or is asked to stop; then closes. */
export async function runService(
  service: Running,
  main: (options: { readonly signal: AbortSignal }) => Promise<void> = untilAborted,
): Promise<number> {
  const { logger } = service;
  const stop = new AbortController();
  let failed = false;
  const unlisten = onStopSignal((signal) => {
    if (stop.signal.aborted) {
      logger.warn("Second signal: the process ends at once", { component: "service", signal });
      exitProcess(1);
    }
    logger.info("Signal received", { component: "service", signal });
    stop.abort(new DOMException(`Stopped by ${signal}`, "AbortError"));
  });
  const unwatch = onUncaught((error) => {
    failed = true;
    logger.fatal("Error that nobody caught", { component: "service", error });
    stop.abort(error);
  });
  try {
    const asked = new Promise<void>((resolve) => {
      stop.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const work = main({ signal: stop.signal });
    // Asked to stop, the work has the budget to end; an abort is then no failure.
    await Promise.race([work, asked]);
    if (stop.signal.aborted) {
      service.drain();
      await withDeadline(service.clock, service.budgetMs, () => work, { action: "the main work" });
    }
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) {
      failed = true;
      logger.error("Service failed", { component: "service", error });
    }
  }
  try {
    await service.close();
  } catch {
    // Said by the teardown, name by name.
    failed = true;
  }
  unlisten();
  unwatch();
  return failed ? 1 : 0;
}

function untilAborted({ signal }: { readonly signal: AbortSignal }): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
