import { core } from "../../mod.ts";
import { priceUpdated } from "./events.ts";
import type { Handlers, TapeEvent } from "./handlers.ts";
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

// How many are published at once: enough to share batches, few enough to stop soon.
const AHEAD = 256;

/** Publishes the tape, as fast as its handlers take it or at its own pace. */
export async function replay(
  { clock, logger }: TapeService,
  handlers: Handlers,
  tape: TapeSettings,
  replayed: Replayed,
  options: RunOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal, speed } = options;
  const published = await handlers.resume({ signal });
  if (published > 0) logger.info("Going on where an earlier run was", { line: published });
  const started = clock.monotonic();
  // At the tape's own pace each one goes when it is due.
  const most = speed === Infinity ? AHEAD : 1;
  let batch: TapeEvent[] = [];
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
    const isNew = line.number > published;
    if (isNew) await pace(line.trade);
    replayed.rows++;
    replayed.expected.add(line.trade);
    if (!isNew) continue;
    const event = await priceUpdated(line.trade, replayed.rows, tape);
    batch.push({ line: line.number, event });
    if (batch.length < most) continue;
    await handlers.publish(batch, { signal });
    batch = [];
  }
  if (batch.length > 0) await handlers.publish(batch, { signal });
}
