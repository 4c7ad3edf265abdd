import type { Clock, Logger } from "../core/mod.ts";
import { withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";

/** What was opened, to be closed in reverse. */
export interface Teardown {
  /** Remembers how to close something that was just opened. */
  add(name: string, close: () => Promise<void>): void;
  /**
   * Closes all, last opened first, one after another; a failure does not stop the rest.
   *
   * @param logger Is told of each failure.
   * @param budgetMs Milliseconds for all of them together.
   * @throws {CqiError} `CQI_SERVICE_STOP` naming what failed or did not close in time.
   */
  run(logger: Logger, budgetMs: number): Promise<void>;
}

/** Makes a teardown. */
export function teardown(clock: Clock): Teardown {
  const steps: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  return {
    add: (name, close) => void steps.push({ name, close }),
    async run(logger, budgetMs) {
      const failed: string[] = [];
      const deadline = clock.monotonic() + budgetMs;
      for (const { name, close } of steps.splice(0).reverse()) {
        try {
          const leftMs = Math.max(0, deadline - clock.monotonic());
          await withDeadline(clock, leftMs, close, { action: `closing ${name}` });
        } catch (error) {
          failed.push(name);
          logger.error(`Cannot close ${name}`, { component: "service", error });
        }
      }
      if (failed.length > 0) {
        throw new CqiError("CQI_SERVICE_STOP", `Cannot close ${failed.join(", ")}`, {
          details: { failed },
        });
      }
    },
  };
}
