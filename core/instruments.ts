import { systemClock as realClock } from "../internal/clock.ts";
import { systemRandom as realRandom } from "../internal/random.ts";
import type { Clock } from "./clock.ts";
import { type Logger, noopLogger } from "./logger.ts";
import { type Metrics, noopMetrics } from "./metrics.ts";
import type { Random } from "./random.ts";
import { noopTracer, type Tracer } from "./tracer.ts";

/** The machine's clock. */
export const systemClock: Clock = realClock;

/** The machine's randomness: cryptographic bytes, fast numbers. */
export const systemRandom: Random = realRandom;

/** What every part of the library is watched and driven by. All are optional where they are taken. */
export interface Instruments {
  /** Where log lines go. @default {nowhere} */
  readonly logger: Logger;
  /** Where metrics are kept. @default {nowhere} */
  readonly metrics: Metrics;
  /** Where spans go. @default {nowhere} */
  readonly tracer: Tracer;
  /** Time. @default {the system's} */
  readonly clock: Clock;
  /** Randomness. @default {the system's} */
  readonly random: Random;
}

/**
 * Fills in what was not given.
 *
 * @param given What the caller has; anything else in it is ignored.
 */
export function instruments(given: Partial<Instruments> = {}): Instruments {
  return {
    logger: given.logger ?? noopLogger,
    metrics: given.metrics ?? noopMetrics,
    tracer: given.tracer ?? noopTracer,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
  };
}
