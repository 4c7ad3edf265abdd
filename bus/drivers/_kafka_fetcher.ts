// The reading side: long polls to the leaders of the partitions that are read, and one after
// another hand-over of what they bring. A partition is asked for again when nothing of it waits to
// be handed over, so that what is read ahead is bounded.

import type { ConnectionPool, fetchV17 } from "@platformatic/kafka";
import type { Instruments } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import { delays } from "../../retry/mod.ts";
import type { BusRecord, TopicPartition } from "../driver.ts";
import type { KafkaClient } from "./_kafka_client.ts";
import { brokerError, errorName, isUnreadable } from "./_kafka_errors.ts";
import { fetchMemory } from "./_kafka_memory.ts";
import { leaderMayHaveMoved, nameOf } from "./_kafka_offsets.ts";
import { type Asked, isReady, newReading, type Reading, requestOf } from "./_kafka_reading.ts";
import { readPartition } from "./_kafka_records.ts";
import type { KafkaSettings } from "./_kafka_settings.ts";
import { pause } from "./_kafka_wait.ts";

/** Who is told of what is read. */
export interface FetchEvents {
  /** Takes records; resolves when there is room for more. What it refuses goes to `refused`. */
  records(records: readonly BusRecord[]): Promise<void>;
  /** Fetching from somewhere fails, or works again (`undefined`). */
  trouble(error: CqiError | undefined): void;
  /** The log does not have what is wanted; it must be read from another offset on. */
  reset(reading: Reading, why: string): void;
  /** Records were not taken, those from an offset on; nothing that follows them is handed over. */
  refused(reading: Reading, from: bigint, error: CqiError): void;
}

/** Reads partitions. */
export interface KafkaFetcher {
  /** Begins to read a partition. */
  add(at: TopicPartition, position: bigint): Reading;
  /** Reads on: something has room again, or is new. */
  pump(): void;
  /** Ends all requests. */
  close(): Promise<void>;
}

// How long a broker holds a request for which it has nothing.
const MAX_WAIT_MS = 500;
// One request blocks its connection, so that what comes into need meanwhile takes another.
const LANES = 4;
const PARTITION_BYTES = 2 ** 20;
const BACKOFF = { initialMs: 50, maxMs: 1000, multiplier: 2, jitter: "equal" } as const;

interface Lane {
  readonly pool: ConnectionPool;
  /** Leaders that are asked over it now. */
  readonly asking: Set<number>;
}

/** Makes a fetcher. */
export function kafkaFetcher(
  client: KafkaClient,
  settings: KafkaSettings,
  { clock, random }: Pick<Instruments, "clock" | "random">,
  events: FetchEvents,
): KafkaFetcher {
  const delayAfter = delays(BACKOFF, random);
  const readings = new Set<Reading>();
  const lanes: Lane[] = [];
  const closing = new AbortController();
  const { signal } = closing;
  const running = new Set<Promise<void>>();
  let pumping = false;
  let again = false;
  const memory = fetchMemory(settings.maxFetchBytes);

  const laneFor = (leader: number): Lane | undefined => {
    const free = lanes.find(({ asking }) => !asking.has(leader));
    if (free !== undefined || lanes.length === LANES) return free;
    const lane = { pool: client.pool(settings.requestMs + MAX_WAIT_MS), asking: new Set<number>() };
    lanes.push(lane);
    return lane;
  };

  const handOver = async (reading: Reading): Promise<void> => {
    while (reading.waiting !== undefined && !reading.lost) {
      const { records, bytes } = reading.waiting;
      reading.waiting = undefined;
      // What waits is asked for while this is being handled.
      pump();
      try {
        await events.records(records);
      } catch (error) {
        // Whoever handed on what follows would commit past what was not taken.
        reading.lost = true;
        events.refused(reading, records[0]!.offset, CqiError.from(error));
      } finally {
        memory.give(reading.topic, bytes);
      }
    }
    if (reading.waiting !== undefined) {
      memory.give(reading.topic, reading.waiting.bytes);
      reading.waiting = undefined;
    }
    reading.handing = undefined;
    pump();
  };

  const later = async (parts: readonly Reading[], failures: number): Promise<void> => {
    await pause(clock, delayAfter(Math.max(1, failures)), signal);
    const names = [...new Set(parts.map(({ topic }) => topic))];
    // Still away: the next request will say so.
    await client.topics(names, { fresh: true, signal }).catch(() => {});
    for (const reading of parts) reading.busy = false;
    pump();
  };

  // Leaders move without anybody's harm; what goes on is trouble.
  const tell = (): void => {
    for (const { lost, failures, trouble } of readings) {
      if (!lost && trouble !== undefined && (failures > 2 || !trouble.retryable)) {
        return events.trouble(trouble);
      }
    }
    events.trouble(undefined);
  };

  const failed = (parts: readonly Reading[], error: CqiError): void => {
    for (const reading of parts) {
      reading.failures++;
      reading.trouble = error;
    }
    tell();
    track(later(parts, Math.max(...parts.map(({ failures }) => failures))));
  };

  const took = (reading: Reading, part: fetchV17.FetchResponsePartition): void => {
    const { records, bytes, next } = readPartition(reading, reading.position, part);
    reading.position = next;
    reading.busy = false;
    reading.failures = 0;
    reading.trouble = undefined;
    reading.alone = false;
    if (records.length === 0) return;
    memory.take(reading.topic, bytes);
    reading.waiting = { records, bytes };
    reading.handing ??= handOver(reading);
  };

  const judge = (reading: Reading, code: number): CqiError | undefined => {
    const name = errorName(code);
    const error = brokerError(`read '${reading.topic}'`, code);
    if (name === "OFFSET_OUT_OF_RANGE") {
      events.reset(reading, `offset ${reading.position} is not on the log`);
      return undefined;
    }
    return leaderMayHaveMoved(code) && !error.retryable
      ? new CqiError("CQI_BUS_UNAVAILABLE", error.message, { cause: error })
      : error;
  };

  const take = (
    reading: Reading,
    part: fetchV17.FetchResponsePartition,
  ): CqiError | undefined => {
    if (part.errorCode !== 0) return judge(reading, part.errorCode);
    try {
      took(reading, part);
      return undefined;
    } catch (error) {
      return new CqiError(
        "CQI_BUS_UNAVAILABLE",
        `Cannot read '${reading.topic}': what the broker gave is malformed`,
        { cause: error, details: { partition: reading.partition } },
      );
    }
  };

  const fetch = async (
    lane: Lane,
    leader: number,
    parts: readonly Asked[],
  ): Promise<void> => {
    const maxBytes = memory.allowance(parts.map(({ reading }) => reading.topic));
    const { byId, topics } = requestOf(parts, Math.min(PARTITION_BYTES, maxBytes));
    // One by itself must not keep a connection from the others.
    const waitMs = parts[0]?.reading.alone ? 0 : MAX_WAIT_MS;
    const open = new Set(parts.map(({ reading }) => reading));
    try {
      const answer = await client.request("Fetch", {
        broker: client.broker(leader)!,
        // No fetch session: number 0, epoch -1.
        args: [waitMs, 1, maxBytes, settings.isolation, 0, -1, topics, [], ""],
      }, { signal, pool: lane.pool });
      if (answer.errorCode !== 0) throw brokerError("read", answer.errorCode);
      for (const { topicId, partitions } of answer.responses) {
        for (const part of partitions) {
          const reading = byId.get(topicId)?.find((each) => each.partition === part.partitionIndex);
          if (reading === undefined || !open.delete(reading) || reading.lost) continue;
          const error = take(reading, part);
          if (error !== undefined) failed([reading], error);
        }
      }
      for (const reading of open) reading.busy = false;
      tell();
    } catch (error) {
      if (signal.aborted) return;
      const caught = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
      // One of them is malformed: the others must not fail with it for ever.
      if (isUnreadable(caught)) { for (const reading of open) reading.alone = true; }
      failed([...open], caught);
    } finally {
      lane.asking.delete(leader);
      pump();
    }
  };

  const track = (work: Promise<void>): void => {
    const done: Promise<void> = work.finally(() => running.delete(done));
    running.add(done);
  };

  const plan = async (): Promise<void> => {
    for (const reading of readings) if (reading.lost) readings.delete(reading);
    memory.topics = new Set([...readings].map(({ topic }) => topic)).size;
    const mayRead = (reading: Reading): boolean => isReady(reading) && memory.has(reading.topic);
    const ready = [...readings].filter(mayRead);
    if (ready.length === 0) return;
    const infos = await client.topics([...new Set(ready.map(({ topic }) => topic))], { signal });
    const requests = new Map<string, { leader: number; parts: Asked[] }>();
    for (const reading of ready) {
      const info = infos.get(reading.topic);
      if (!mayRead(reading)) continue;
      if (info === undefined || info instanceof CqiError) {
        reading.busy = true;
        failed([reading], info ?? new CqiError("CQI_BUS_UNAVAILABLE", "Cannot find a topic"));
        continue;
      }
      reading.topicId ??= info.id;
      if (reading.topicId !== info.id) {
        reading.busy = true;
        events.reset(reading, "the topic was made anew");
        continue;
      }
      const leader = info.partitions[reading.partition]?.leader ?? -1;
      const request = reading.alone ? `${leader} ${nameOf(reading)}` : `${leader}`;
      if (!requests.has(request)) requests.set(request, { leader, parts: [] });
      requests.get(request)!.parts.push({ reading, info });
    }
    for (const { leader, parts } of requests.values()) {
      const all = parts.map(({ reading }) => reading);
      if (client.broker(leader) === undefined) {
        for (const reading of all) reading.busy = true;
        failed(all, new CqiError("CQI_BUS_UNAVAILABLE", "Cannot read: a partition has no leader"));
        continue;
      }
      const lane = laneFor(leader);
      if (lane === undefined) continue;
      for (const reading of all) reading.busy = true;
      lane.asking.add(leader);
      track(fetch(lane, leader, parts));
    }
  };

  function pump(): void {
    again = true;
    if (pumping || signal.aborted) return;
    pumping = true;
    track((async () => {
      // Whatever becomes ready in the same moment shares a request.
      await Promise.resolve();
      for (let failures = 0; again && !signal.aborted;) {
        again = false;
        try {
          await plan();
          failures = 0;
        } catch (error) {
          if (signal.aborted) break;
          events.trouble(CqiError.from(error, "CQI_BUS_UNAVAILABLE"));
          await pause(clock, delayAfter(++failures), signal);
          again = true;
        }
      }
      pumping = false;
    })());
  }

  return {
    add(at, position) {
      const reading = newReading(at, position);
      readings.add(reading);
      return reading;
    },
    pump,
    async close() {
      closing.abort(new CqiError("CQI_CLOSED", "Cannot read: the consumer is closed"));
      for (const reading of readings) reading.lost = true;
      await Promise.all(lanes.map(({ pool }) => client.release(pool)));
      await Promise.all(running);
    },
  };
}
