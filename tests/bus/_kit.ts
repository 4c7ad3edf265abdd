import { type Broker, createBroker } from "../../bus/drivers/_memory_broker.ts";
import { createDriver } from "../../bus/drivers/memory.ts";
import * as bus from "../../bus/mod.ts";
import type { FakeClock } from "../../testing/fake_clock.ts";
import { turn, until } from "../_until.ts";

export { turn, until };

/** Where a driver misbehaves; each gets the call and how it would have gone. */
export interface Faults {
  send?(
    records: readonly bus.RecordToSend[],
    pass: () => Promise<readonly (bus.Published | Error)[]>,
  ): Promise<readonly (bus.Published | Error)[]>;
  consume?(pass: () => Promise<bus.DriverConsumer>): Promise<bus.DriverConsumer>;
  change?(pass: () => Promise<void>): Promise<void>;
  commit?(positions: readonly bus.Position[], pass: () => Promise<void>): Promise<void>;
  records?(records: readonly bus.BusRecord[], pass: () => Promise<void>): Promise<void>;
  revoked?(lost: readonly bus.TopicPartition[], pass: () => Promise<void>): Promise<void>;
  close?(pass: () => Promise<void>): Promise<void>;
  ensureTopics?(topics: readonly string[], pass: () => Promise<void>): Promise<void>;
  /** True hides the optional parts of a driver. */
  readonly bare?: boolean;
}

/** Drivers: the memory driver on a broker, with faults put around it. */
export function driversOn(
  broker: Broker = createBroker(),
  faults: Faults = {},
): NonNullable<bus.OpenOptions["drivers"]> {
  return {
    memory: () => ({
      createDriver: (config, env) => faulty(createDriver(config, env, broker), faults),
    }),
  };
}

/** Drivers whose broker is made by the configuration. */
export const memoryDrivers: NonNullable<bus.OpenOptions["drivers"]> = {
  memory: () => ({ createDriver }),
};

function faulty(inner: bus.BusDriver, faults: Faults): bus.BusDriver {
  const { ranges, ...rest } = inner;
  return {
    ...rest,
    ...!faults.bare && ranges !== undefined && { ranges },
    send(records, options) {
      const pass = () => inner.send(records, options);
      return faults.send?.(records, pass) ?? pass();
    },
    ensureTopics(topics) {
      const pass = () => inner.ensureTopics(topics);
      return faults.ensureTopics?.(topics, pass) ?? pass();
    },
    async consume(options, sink) {
      const pass = async () =>
        consumerWith(
          await inner.consume(options, {
            state: sink.state,
            ...sink.assigned && { assigned: sink.assigned },
            records(records) {
              const on = () => sink.records(records);
              return faults.records?.(records, on) ?? on();
            },
            revoked(lost) {
              const on = () => sink.revoked(lost);
              return faults.revoked?.(lost, on) ?? on();
            },
          }),
          faults,
        );
      return await (faults.consume?.(pass) ?? pass());
    },
    close() {
      return faults.close?.(inner.close) ?? inner.close();
    },
  };
}

function consumerWith(consumer: bus.DriverConsumer, faults: Faults): bus.DriverConsumer {
  const { change, ...rest } = consumer;
  return {
    ...rest,
    ...!faults.bare && change !== undefined && {
      change(topics: Parameters<typeof change>[0]) {
        const pass = () => change(topics);
        return faults.change?.(pass) ?? pass();
      },
    },
    commit(positions) {
      const pass = () => consumer.commit(positions);
      return faults.commit?.(positions, pass) ?? pass();
    },
  };
}

/** A bus on a broker. */
export function openOn(
  broker: Broker,
  section: bus.EventBusConfigInit = {},
  options: bus.OpenOptions & { readonly faults?: Faults } = {},
): Promise<bus.Bus> {
  const { faults, ...rest } = options;
  return bus.open(section, { drivers: driversOn(broker, faults), ...rest });
}

/** What a promise does with a fake clock moved on by steps until it settles. */
export async function settledBy<T>(
  clock: FakeClock,
  promise: Promise<T>,
  stepMs: number,
  maxMs: number,
): Promise<{ readonly afterMs: number; readonly result: PromiseSettledResult<T> }> {
  let result: PromiseSettledResult<T> | undefined;
  const settled = Promise.allSettled([promise]).then(([only]) => result = only);
  let afterMs = 0;
  await turn();
  for (; result === undefined && afterMs < maxMs; afterMs += stepMs) await clock.advance(stepMs);
  if (result === undefined) throw new Error(`Not settled after ${maxMs} ms`);
  await settled;
  return { afterMs, result };
}
