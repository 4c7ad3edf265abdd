import { activeContext, type Counter, runInContext, sleep } from "../core/mod.ts";
import { delays } from "../retry/mod.ts";
import type { Registration, Settled } from "./_course.ts";
import type { Dispatch } from "./_dispatch.ts";
import type { Environment } from "./_environment.ts";
import type { Flow } from "./_flow.ts";
import type { Partition } from "./_partition.ts";
import type { BusRecord } from "./driver.ts";
import type { Rest } from "./lanes.ts";

/** A record that was read and has room. */
export interface Taken {
  readonly owner: Partition;
  readonly record: BusRecord;
  readonly flow: Flow;
  readonly bytes: number;
}

/** What is done with the records of a group. */
export interface IntakeOptions {
  readonly group: string | undefined;
  readonly dispatch: Dispatch;
  /** Commits an offset soon. */
  note(owner: Partition, offset: bigint): void;
  /** Who handles the events of a topic. */
  handlersOf(topic: string): readonly Registration[];
}

/** Takes a record in: its work runs at once, or in the turn of its key. */
export type Intake = (taken: Taken) => void;

/** Makes the intake of one consumer. */
export function intake(
  { clock, driver, logger, metrics, random, settings }: Environment,
  { group, dispatch, note, handlersOf }: IntakeOptions,
): Intake {
  const keepsNotes = group !== undefined && driver.features.attemptsPersist;
  const counters = new Map<string, Partial<Record<Settled, Counter>>>();
  const delayAfter = delays(settings.backoff, random);
  const home = activeContext();

  const count = (topic: string, result: Settled): void => {
    let known = counters.get(topic);
    if (known === undefined) counters.set(topic, known = {});
    known[result] ??= metrics.consumed.with({ topic, group: group ?? "", result });
    known[result].add();
  };

  const report = (action: string, error: unknown): void => {
    try {
      logger.error(action, { error });
    } catch {
      // A logger that fails has nowhere to say so, and must not hold up events.
    }
  };

  const see = ({ owner, record }: Taken, rest: Rest): Settled | Promise<Settled> => {
    const registrations = handlersOf(record.topic);
    // A driver that reads on what was let go: that is for whoever subscribes next, not for nobody.
    if (registrations.length === 0) return "abandoned";
    const { marks, failures, stopping } = owner;
    const course = {
      record,
      stopping,
      rest,
      failures: failures.of(record.offset),
      failed(count: number): void {
        if (!keepsNotes) return;
        failures.set(record.offset, count);
        // The same place again, or past offsets that the log has no records for.
        if (!owner.fenced) note(owner, marks.lowest ?? record.offset);
      },
    };
    return dispatch(course, registrations);
  };

  // What fails here is not the handler: a defect, or an instrument such as the tracer. The event
  // keeps its place until it is through, and its key waits.
  const again = async (taken: Taken, rest: Rest, thrown: unknown): Promise<Settled> => {
    const { draining } = taken.owner.stopping;
    let delayMs: number | undefined;
    for (let tries = 1;; tries++) {
      report("Event cannot be seen through and will be tried again", thrown);
      delayMs = delayAfter(tries, delayMs);
      const slept = sleep(clock, delayMs, { signal: draining }).catch(() => {
        // Whether it was cut short is asked below.
      });
      await runInContext(home, () => rest(slept));
      if (draining.aborted) return "abandoned";
      try {
        return await see(taken, rest);
      } catch (error) {
        thrown = error;
      }
    }
  };

  // An abandoned one is not marked as done, so its offset stays and it comes again.
  const finish = ({ owner, record }: Taken, settled: Settled): void => {
    const isThrough = settled !== "abandoned";
    try {
      if (!isThrough) return;
      owner.failures.forget(record.offset);
      const next = owner.marks.done(record.offset);
      if (next !== undefined && !owner.fenced && group !== undefined) note(owner, next);
    } finally {
      owner.end(record, isThrough);
    }
    count(record.topic, settled);
  };

  return (taken) => {
    const { owner, record, flow, bytes } = taken;
    try {
      owner.add(record.offset);
    } catch (error) {
      // A driver that hands over again what it has: it is told so, and no room is lost by it.
      flow.leave(bytes);
      throw error;
    }
    const lane = record.key === null ? undefined : `${record.partition}:${record.key}`;
    flow.work.push(lane, (rest, done) => {
      const over = (settled: Settled): void => {
        try {
          finish(taken, settled);
        } catch (error) {
          report("Event cannot be marked as done", error);
        } finally {
          flow.leave(bytes);
          done();
        }
      };
      const failed = (error: unknown): void => {
        again(taken, rest, error).then(over).catch((error) => report("Event is stuck", error));
      };
      let settled: Settled | Promise<Settled>;
      try {
        settled = owner.begin(record) ? see(taken, rest) : "abandoned";
      } catch (error) {
        return failed(error);
      }
      if (typeof settled === "string") over(settled);
      else settled.then(over, failed);
    });
  };
}
