import { core } from "../../mod.ts";
import { prices, priceUpdated } from "./events.ts";
import type { RunOptions, TapeService } from "./run.ts";
import type { TapeSettings } from "./settings.ts";
import { readTape, type Trade } from "./tape.ts";
import { expectation, type Expected } from "./expected.ts";

/** What was read and published. */
export interface Replayed {
  readonly rows: number;
  readonly skipped: number;
  /** What the tape alone says the end must be. */
  readonly expected: Expected;
}

// How many publications wait at once: enough to share batches, few enough to stop soon.
const AHEAD = 256;
const PROGRESS_EVERY = 500;

/** Publishes the tape, as fast as its handlers take it or at its own pace. */
export async function replay(
  app: TapeService,
  tape: TapeSettings,
  options: RunOptions & { readonly signal: AbortSignal },
): Promise<Replayed> {
  const { clock, logger, bus } = app;
  const { signal, speed, progress } = options;
  const expected = expectation();
  const started = clock.monotonic();
  let waiting: Promise<unknown>[] = [];
  let rows = 0;
  let skipped = 0;
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
      skipped++;
      logger.warn("Line of the tape skipped", { line: line.number, problem: line.problem });
      continue;
    }
    await pace(line.trade);
    rows++;
    expected.add(line.trade);
    const event = await priceUpdated(line.trade, rows, tape);
    const published = bus.publish(prices, event, { signal });
    // Awaited with its batch; a failure before that must not count as unhandled.
    published.catch(() => {});
    waiting.push(published);
    if (waiting.length >= AHEAD) {
      await Promise.all(waiting);
      waiting = [];
    }
    if (rows % PROGRESS_EVERY === 0) {
      const rate = Math.round(rows / ((clock.monotonic() - started) / 1000));
      progress?.(`${rows} trades published, ${rate}/s`);
    }
  }
  await Promise.all(waiting);
  return { rows, skipped, expected: expected.result() };
}
