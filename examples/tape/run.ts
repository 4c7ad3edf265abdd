import { core, database, errors, type service } from "../../mod.ts";
import { PriceSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { directHandlers } from "./direct.ts";
import { alerts, prices } from "./events.ts";
import { ledger } from "./ledger.ts";
import { measure } from "./measure.ts";
import { once } from "./once.ts";
import { outboxedHandlers } from "./outboxed.ts";
import { showProgress } from "./progress.ts";
import { replay, startReplay } from "./replay.ts";
import type { TapeSettings } from "./settings.ts";
import { summarize, type Summary } from "./summary.ts";

/** The service of the example. */
export type TapeService = service.Service<"bus" | "cache" | "database">;

/** How the tape is run. */
export interface RunOptions {
  readonly tapePath: string;
  readonly migrations: string;
  /** Times real time; Infinity is as fast as it can. */
  readonly speed: number;
  /** Writes to the terminal; absent where nobody looks. */
  readonly terminal: ((text: string) => void) | undefined;
}

/** How a run ended. */
export interface Ended {
  /** 0 when all agrees, 1 when not or when something failed, 130 when it was interrupted. */
  readonly code: number;
  /** Absent when it did not come to its end. */
  readonly summary?: Summary;
}

// What shells give a command that was stopped from outside: nothing was compared, so it is no 0.
const INTERRUPTED = 130;

/** Subscribes the handlers, replays the tape, waits until all is handled, and sums up. */
export async function run(
  app: TapeService,
  tape: TapeSettings,
  options: RunOptions,
): Promise<Ended> {
  const { bus, clock, logger } = app;
  await database.migrate(app.database, await database.readMigrations(options.migrations));
  // Ready once its handlers are subscribed, not before.
  const server = await app.serve(undefined, { started: false });
  const latest = app.cache.keyspace(PriceSchema, { name: "latest_price", ttl: "none" });
  const seen = measure(clock);
  const told = ledger(tape.startingCash);
  const group = (name: string) => ({
    group: `tape-${name}`,
    middleware: [seen.layer, told.layer],
  });
  const handlers = tape.outbox ? await outboxedHandlers(app, tape) : directHandlers(app, tape);

  let ended: Ended = { code: 1 };
  const code = await app.run(async ({ signal }) => {
    // Before the bus and the database, which the service closes when this function has ended.
    await using _handlers = handlers;
    const started = clock.monotonic();
    const replayed = startReplay();
    try {
      await Promise.all([
        handlers.subscribe(group),
        bus.subscribe(
          prices,
          once(async ({ price }) => {
            await latest.set(tape.marketId, price!);
          }),
          group("latest"),
        ),
        bus.subscribe(alerts, ({ message }) => logger.warn(message), group("alerts")),
      ]);
      app.health.started();
      using _progress = options.terminal && showProgress(clock, options.terminal, () => {
        const seconds = Math.max(clock.monotonic() - started, 1) / 1000;
        return `${replayed.rows} trades published, ${Math.round(replayed.rows / seconds)}/s`;
      });
      await replay(app, handlers, tape, replayed, { ...options, signal });
      while (!await handlers.isIdle()) await core.sleep(clock, 5, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      const { rows, skipped } = replayed;
      logger.warn("Interrupted", { rows, skipped, reason: errors.messageOf(error) });
      ended = { code: INTERRUPTED };
      return;
    }
    const seconds = (clock.monotonic() - started) / 1000;
    const summary = await summarize(app, tape, {
      replayed,
      seen,
      told: told.result(),
      handlers,
      latest,
      seconds,
      url: server.url,
    });
    ended = { code: summary.agrees ? 0 : 1, summary };
  });
  return code === 0 ? ended : { ...ended, code };
}
