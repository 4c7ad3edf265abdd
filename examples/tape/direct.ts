import { portfolio } from "./portfolio.ts";
import { candles } from "./candles.ts";
import { orders, positions, prices } from "./events.ts";
import type { Handlers } from "./handlers.ts";
import { once } from "./once.ts";
import { risk } from "./risk.ts";
import type { TapeService } from "./run.ts";
import type { TapeSettings } from "./settings.ts";
import { strategy } from "./strategy.ts";

/**
 * Handlers that publish straight to the bus. State of the strategy is in memory: when the process
 * dies the run is over.
 */
export function directHandlers({ bus, database }: TapeService, tape: TapeSettings): Handlers {
  return {
    async subscribe(options) {
      await Promise.all([
        bus.subscribe(prices, once(strategy(bus, tape)), options("strategy")),
        bus.subscribe(prices, candles(database), options("candles")),
        bus.subscribe(orders, portfolio(database, bus, tape), options("portfolio")),
        bus.subscribe(positions, risk(bus, tape), options("risk")),
      ]);
    },
    resume: () => Promise.resolve(0),
    async publish(batch, { signal }) {
      await Promise.all(batch.map(({ event }) => bus.publish(prices, event, { signal })));
    },
    published: () => Promise.resolve(undefined),
    // Every event that a handler publishes is written before the event that caused it is committed,
    // so once nothing lags, nothing is under way either.
    isIdle: async () => (await bus.lag()).every(({ lag }) => lag === 0n),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
