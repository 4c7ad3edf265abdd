import {
  ACTIVE_SPAN,
  activeContext,
  runInContext,
  sleep,
  type SpanContext,
  uuid,
  type WaitOptions,
  withDeadline,
} from "../core/mod.ts";
import { delays } from "../retry/mod.ts";
import { dispatcher } from "./_dispatch.ts";
import type { Environment } from "./_environment.ts";
import { leases, renewalMs } from "./_leases.ts";
import { canListen, listenForCommits } from "./_listener.ts";
import { rowsOf } from "./_rows.ts";
import { sweeper } from "./_sweeper.ts";

/** A running relay. */
export interface Relay {
  /** Has it look for events now. */
  wake(): void;
  /** Stops it; see `Outbox.close`. */
  close(options: WaitOptions): Promise<void>;
}

const CLOSE_GRACE_MS = 10_000;
/** Pause after a first failure, in milliseconds, and the least that waking leaves of any. */
const FIRST_PAUSE_MS = 100;

/** Starts a relay: one loop that sends, one that keeps the lease, one that cleans. */
export function startRelay(env: Environment): Relay {
  const { clock, logger, settings } = env;
  const rows = rowsOf(env);
  const lease = leases(env, uuid(clock, env.random));
  const dispatch = dispatcher(env, rows);
  // No longer than a lease takes to renew: what waits for a database that is back waits for this.
  const maxMs = Math.min(settings.maxMs, renewalMs(settings.leaseMs));
  const initialMs = Math.min(FIRST_PAUSE_MS, maxMs);
  const delayAfter = delays({ initialMs, maxMs, jitter: "equal" }, env.random);
  /** Nothing new is begun. */
  const stopping = new AbortController();
  /** What is under way is left behind. */
  const aborting = new AbortController();
  const signal = aborting.signal;
  let isWanted = false;
  let wakeUp: (() => void) | undefined;

  const wake = (): void => {
    isWanted = true;
    wakeUp?.();
  };

  // Renewing and handing over read and write the same rows: one after the other.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (fn: () => Promise<void>): Promise<void> => {
    const done = turn.then(fn);
    // Who asked for it hears of it; the next one takes its turn all the same.
    turn = done.catch(() => {});
    return done;
  };

  const cycle = async (): Promise<boolean> => {
    await dispatch.settle(signal);
    await inTurn(() => lease.release({ signal }));
    const lanes = lease.current();
    if (lanes.length === 0) return false;
    const found = await rows.fetch(lanes, dispatch.paused(), signal);
    // The lease may have run out meanwhile.
    const own = new Set(lease.current());
    const batch = found.filter(({ lane }) => own.has(lane));
    if (batch.length === 0) return false;
    await dispatch.send(batch, signal);
    return true;
  };

  /** Waits until it is woken, or for so long. */
  const idle = async (waitMs: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wakeUp = resolve;
    const timer = clock.timer(resolve, waitMs, { background: true });
    if (isWanted || stopping.signal.aborted) resolve();
    await promise;
    timer.cancel();
    wakeUp = undefined;
  };

  // An aborted wait is a short one: who waits looks at the signal itself.
  const pause = (ms: number): Promise<void> =>
    sleep(clock, ms, { signal: stopping.signal, background: true }).catch(() => {});
  // A commit means that the database is back; many of them, no more than that.
  const pauseOrWake = async (ms: number): Promise<void> => {
    await pause(Math.min(ms, initialMs));
    await idle(Math.max(0, ms - initialMs));
  };

  /** Repeats a step until the relay stops; a step that fails is tried again with backoff. */
  const repeat = async (
    what: string,
    step: () => Promise<void>,
    rest = pause,
  ): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted;) {
      try {
        await step();
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        const delayMs = delayAfter(++failures);
        logger.warn(`Outbox cannot ${what}`, {
          attempt: failures,
          delay_ms: Math.round(delayMs),
          error,
        });
        await rest(delayMs);
      }
    }
  };

  const sweep = sweeper(env);
  // Whoever opened the outbox, and whatever span that was in: the relay outlives it.
  const context = activeContext().with(ACTIVE_SPAN, undefined as unknown as SpanContext);
  const running = runInContext(context, () => [
    repeat("keep its lease", async () => {
      const before = lease.current().length;
      await inTurn(() => lease.renew({ signal }));
      if (lease.current().length !== before) wake();
      await pause(renewalMs(settings.leaseMs));
    }),
    repeat("send events", async () => {
      isWanted = false;
      if (await cycle()) return;
      await idle(Math.max(0, Math.min(settings.pollMs, dispatch.dueMs() - clock.monotonic())));
    }, pauseOrWake),
    repeat("clean its tables", async () => {
      await sweep.run({ signal: stopping.signal });
      await pause(sweep.everyMs);
    }),
    ...canListen(env)
      ? [repeat("hear of commits", () => listenForCommits(env, wake, stopping.signal))]
      : [],
  ]);

  let closing: Promise<void> | undefined;
  const end = async (options: WaitOptions): Promise<void> => {
    stopping.abort();
    wake();
    try {
      await withDeadline(clock, CLOSE_GRACE_MS, () => Promise.all(running), options);
    } catch {
      // The budget is over, or the caller's patience.
    }
    aborting.abort();
    await Promise.all(running);
    try {
      await withDeadline(clock, renewalMs(settings.leaseMs), (signal) => lease.end({ signal }));
    } catch (error) {
      // Others take over when the lease ends.
      logger.debug("Outbox closes without handing its lanes over", { error });
    }
  };
  return {
    wake,
    close: (options) => closing ??= end(options),
  };
}
