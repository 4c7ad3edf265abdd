import { core, database, type service } from "../../mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { candles } from "./candles.ts";
import { alerts, orders, positions, prices } from "./events.ts";
import { measure } from "./measure.ts";
import { portfolio } from "./portfolio.ts";
import { replay } from "./replay.ts";
import { risk } from "./risk.ts";
import type { TapeSettings } from "./settings.ts";
import { strategy } from "./strategy.ts";
import { summarize, type Summary, summaryText } from "./summary.ts";

/** The service of the example. */
export type TapeService = service.Service<"bus" | "cache" | "database">;

/** How the tape is run. */
export interface RunOptions {
  readonly tapePath: string;
  readonly migrations: string;
  /** Times real time; Infinity is as fast as it can. */
  readonly speed: number;
  readonly print: (summary: Summary, text: string) => void;
  /** Takes a line for the terminal; absent where nobody looks. */
  readonly progress: ((line: string) => void) | undefined;
}

/** Subscribes the handlers, replays the tape, waits until all is handled, and sums up. */
export async function run(
  app: TapeService,
  tape: TapeSettings,
  options: RunOptions,
): Promise<number> {
  const { bus, clock, logger } = app;
  await database.migrate(app.database, await database.readMigrations(options.migrations));
  const server = await app.serve();
  const latest = app.cache.keyspace(PriceSchema, { name: "latest_price", ttl: "none" });
  const seen = measure(clock);
  const group = (name: string) => ({ group: `tape-${name}`, middleware: [seen.layer] });

  let agrees = false;
  const code = await app.run(async ({ signal }) => {
    const started = clock.monotonic();
    await Promise.all([
      bus.subscribe(prices, strategy(bus, tape), group("strategy")),
      bus.subscribe(prices, candles(app.database), group("candles")),
      bus.subscribe(prices, async ({ price }) => {
        await latest.set(tape.marketId, price!);
      }, group("latest")),
      bus.subscribe(orders, portfolio(app.database, bus, tape), group("portfolio")),
      bus.subscribe(positions, risk(bus, tape), group("risk")),
      bus.subscribe(alerts, ({ message }) => logger.warn(message), group("alerts")),
    ]);
    const replayed = await replay(app, tape, { ...options, signal });
    await untilHandled(app, signal);
    options.progress?.("");
    const seconds = (clock.monotonic() - started) / 1000;
    const summary = await summarize(app, tape, {
      replayed,
      seen,
      latest,
      seconds,
      url: server.url,
    });
    agrees = summary.agrees;
    options.print(summary, summaryText(summary));
  });
  return agrees ? code : 1;
}

// Every event that a handler publishes is written before the event that caused it is committed, so
// once nothing lags, nothing is under way either.
async function untilHandled({ bus, clock }: TapeService, signal: AbortSignal): Promise<void> {
  while ((await bus.lag()).some(({ lag }) => lag > 0n)) {
    await core.sleep(clock, 5, { signal });
  }
}
