import { core } from "../../mod.ts";
import { prices, priceUpdated } from "./events.ts";
import type { RunOptions, TapeService } from "./run.ts";
import type { TapeSettings } from "./settings.ts";
import { readTape, type Trade } from "./tape.ts";
import { type Expectation, expectation } from "./expected.ts";

/** What was read and published so far. */
export interface Replayed {
  rows: number;
  skipped: number;
  /** What the tape alone says the end must be. */
  readonly expected: Expectation;
}

/** Before the first line. */
export function startReplay(): Replayed {
  return { rows: 0, skipped: 0, expected: expectation() };
}

// How many publications wait at once: enough to share batches, few enough to stop soon.
const AHEAD = 256;

/** Publishes the tape, as fast as its handlers take it or at its own pace. */
export async function replay(
  app: TapeService,
  tape: TapeSettings,
  replayed: Replayed,
  options: RunOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { clock, logger, bus } = app;
  const { signal, speed } = options;
  const started = clock.monotonic();
  let waiting: Promise<unknown>[] = [];
  let firstMs: number | undefined;

  const pace = async (trade: Trade): Promise<void> => {
    if (speed === Infinity) return;
    firstMs ??= trade.timeMs;
    const dueMs = started + (trade.timeMs - firstMs) / speed;
    const aheadMs = dueMs - clock.monotonic();
    if (aheadMs > 0) await core.sleep(clock, aheadMs, { signal });
  };

  for await (const line of readTape(options.tapePath)) {
    signal.throwIfAborted();
    if ("problem" in line) {
      replayed.skipped++;
      logger.warn("Line of the tape skipped", { line: line.number, problem: line.problem });
      continue;
    }
    await pace(line.trade);
    const event = await priceUpdated(line.trade, replayed.rows + 1, tape);
    const published = bus.publish(prices, event, { signal });
    // Awaited with its batch; a failure before that must not count as unhandled.
    published.catch(() => {});
    replayed.rows++;
    replayed.expected.add(line.trade);
    waiting.push(published);
    if (waiting.length >= AHEAD) {
      await Promise.all(waiting);
      waiting = [];
    }
  }
  await Promise.all(waiting);
}
