import type { Counter } from "../core/mod.ts";
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
  { driver, logger, metrics }: Environment,
  { group, dispatch, note, handlersOf }: IntakeOptions,
): Intake {
  const keepsNotes = group !== undefined && driver.features.attemptsPersist;
  const counters = new Map<string, Partial<Record<Settled, Counter>>>();

  const count = (topic: string, result: Settled): void => {
    let known = counters.get(topic);
    if (known === undefined) counters.set(topic, known = {});
    known[result] ??= metrics.consumed.with({ topic, group: group ?? "", result });
    known[result].add();
  };

  const see = (owner: Partition, record: BusRecord, rest: Rest): Settled | Promise<Settled> => {
    if (!owner.begin(record)) return "abandoned";
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

  // An abandoned one is not marked as done, so its offset stays and it comes again.
  const finish = (owner: Partition, record: BusRecord, settled: Settled): void => {
    if (settled !== "abandoned") {
      owner.failures.forget(record.offset);
      count(record.topic, settled);
      const next = owner.marks.done(record.offset);
      if (next !== undefined && !owner.fenced && group !== undefined) note(owner, next);
    }
    owner.end(record, settled !== "abandoned");
  };

  return ({ owner, record, flow, bytes }) => {
    owner.add(record.offset);
    const lane = record.key === null ? undefined : `${record.partition}:${record.key}`;
    flow.work.push(lane, (rest, done) => {
      const over = (settled: Settled): void => {
        finish(owner, record, settled);
        flow.leave(bytes);
        done();
      };
      const failed = (error: unknown): void => {
        logger.error("Event cannot be seen through", { error });
        over("abandoned");
      };
      let settled: Settled | Promise<Settled>;
      try {
        settled = see(owner, record, rest);
      } catch (error) {
        return failed(error);
      }
      if (typeof settled === "string") over(settled);
      else settled.then(over, failed);
    });
  };
}
