import type * as bus from "../../bus/mod.ts";

/** Where a toy is wrong on purpose. */
export type Flaw = "none" | "forgets commits" | "writes backwards" | "loses keys";

interface Log {
  readonly records: bus.BusRecord[];
  /** Consumers that read it, the owner first, by group. */
  readonly queues: Map<string, object[]>;
  changed: PromiseWithResolvers<void>;
}

/**
 * Drivers with one called `toy`, as somebody else would write it against what the interface says and
 * nothing more: a topic is one partition, and of a group one member reads it.
 */
export function toyDrivers(flaw: Flaw = "none"): NonNullable<bus.OpenOptions["drivers"]> {
  const logs = new Map<string, Log>();
  const commits = new Map<string, number>();
  const logOf = (topic: string): Log => {
    const made = { records: [], queues: new Map(), changed: Promise.withResolvers<void>() };
    return logs.get(topic) ?? logs.set(topic, made).get(topic)!;
  };
  const wake = (log: Log): void => {
    const { resolve } = log.changed;
    log.changed = Promise.withResolvers();
    resolve();
  };
  const append = (record: bus.RecordToSend): bus.Published => {
    const { topic, headers } = record;
    const log = logOf(topic);
    const place = { topic, partition: 0, offset: BigInt(log.records.length) };
    const key = flaw === "loses keys" ? null : record.key;
    log.records.push({ ...record, ...place, key });
    wake(log);
    return { eventId: String(headers.get("ce_id")), ...place };
  };
  const consume: bus.BusDriver["consume"] = ({ group, topics }, sink) => {
    const me = { closed: false };
    const read = async (topic: string, startAt: bus.StartAt): Promise<void> => {
      const log = logOf(topic);
      const queue = log.queues.get(group ?? "") ?? [];
      if (group !== undefined) log.queues.set(group, queue);
      queue.push(me);
      const start = startAt === "latest" ? log.records.length : 0;
      while (!me.closed && group !== undefined && queue[0] !== me) await log.changed.promise;
      let at = commits.get(`${group} ${topic}`) ?? start;
      while (!me.closed) {
        const batch = log.records.slice(at, at + 100);
        at += batch.length;
        if (batch.length === 0) await log.changed.promise;
        else await sink.records(batch);
      }
    };
    const loops = [...topics].map(([topic, startAt]) => read(topic, startAt));
    const close = async (): Promise<void> => {
      if (me.closed) return;
      me.closed = true;
      await sink.revoked([...topics.keys()].map((topic) => ({ topic, partition: 0 })));
      for (const topic of topics.keys()) {
        const log = logOf(topic);
        const queue = log.queues.get(group ?? "") ?? [];
        if (queue.includes(me)) queue.splice(queue.indexOf(me), 1);
        wake(log);
      }
      await Promise.all(loops);
    };
    return Promise.resolve({
      close,
      lag: () => Promise.resolve([]),
      commit(positions) {
        for (const { topic, offset } of flaw === "forgets commits" ? [] : positions) {
          commits.set(`${group} ${topic}`, Number(offset));
        }
        return Promise.resolve();
      },
    });
  };
  const createDriver = (): bus.BusDriver => {
    const consumers: bus.DriverConsumer[] = [];
    return {
      features: TOY_FEATURES,
      send(records) {
        const order = flaw === "writes backwards" ? records.toReversed() : records;
        const written = new Map(order.map((record) => [record, append(record)]));
        return Promise.resolve(records.map((record) => written.get(record)!));
      },
      async consume(options, sink) {
        const consumer = await consume(options, sink);
        consumers.push(consumer);
        return consumer;
      },
      ensureTopics: () => Promise.resolve(),
      ranges: (topic) =>
        Promise.resolve([
          { topic, partition: 0, start: 0n, end: BigInt(logOf(topic).records.length) },
        ]),
      check: () => Promise.resolve({ status: "ok" }),
      close: async () => void await Promise.all(consumers.map((consumer) => consumer.close())),
    };
  };
  return { toy: () => ({ createDriver }) };
}

/** What the toy declares. */
export const TOY_FEATURES: bus.BusFeatures = {
  persistent: false,
  crossProcess: false,
  idempotentProducer: true,
  startAtTime: false,
  startAtOffset: false,
  lag: false,
  attemptsPersist: false,
};
