// From commit to broker: how long an event takes, and how many a relay sends. On a real PostgreSQL
// and a real Kafka, on loopback.

import * as kafka from "../bus/drivers/kafka.ts";
import { type Bus, HEADER, open as openBus, type OpenOptions, topic } from "../bus/mod.ts";
import { sleep, systemClock } from "../core/mod.ts";
import * as postgres from "../database/drivers/postgres.ts";
import { type Database, open as openDatabase } from "../database/mod.ts";
import { PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { open, type Outbox, type OutboxSettings } from "../outbox/mod.ts";
import { aPriceUpdated, realKafka, realPostgres } from "../testing/mod.ts";
import { type Benchmark, print } from "./_harness.ts";

/** Events of one latency run. */
const SINGLE = 500;
/** Events before that, which do not count. */
const WARM_UP = 50;
/** Pause between two of them, in milliseconds. */
const PACE_MS = 10;
/** Events that wait when a relay starts. */
const WAITING = 10_000;
/** Events in one transaction, where they are written to wait. */
const TOGETHER = 100;
const KEYS = 100;

interface Side extends AsyncDisposable {
  readonly db: Database;
  readonly bus: Bus;
  readonly box: Outbox;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function line(name: string, figures: string): void {
  print(`  ${name.padEnd(44)} ${figures}`);
}

/** Starts the servers, measures and prints; the figures are no ratios, so nothing is compared. */
export async function openBenchmark(): Promise<Benchmark> {
  const server = await realPostgres();
  const broker = await realKafka();
  const name = `bench.outbox.${crypto.randomUUID()}`;
  const prices = topic(PriceUpdatedSchema, { name });
  const events = Array.from(
    { length: KEYS },
    (_, i) => aPriceUpdated({ marketId: `6f1c2d3e-4a5b-4c6d-8e7f-${String(i).padStart(12, "0")}` }),
  );
  const side = async (settings: OutboxSettings, options: OpenOptions = {}): Promise<Side> => {
    const db = await openDatabase(server.section, { drivers: { postgres: () => postgres } });
    const bus = await openBus({
      driver: "kafka",
      kafka: { brokers: [...broker.brokers] },
      topics: [{ name, partitions: 6, replicationFactor: 1 }],
      ensureTopics: true,
    }, { ...options, drivers: { kafka: () => kafka } });
    const box = await open(settings, { bus, database: db });
    return {
      db,
      bus,
      box,
      async [Symbol.asyncDispose]() {
        await box.close();
        await bus.close();
        await db.close();
      },
    };
  };
  const sentAt = new Map<string, number>();
  const watching: OpenOptions = {
    publishMiddleware: [async (record, wait, next) => {
      const published = await next(record, wait);
      sentAt.set(record.headers.get(HEADER.id) as string, systemClock.monotonic());
      return published;
    }],
  };

  const latency = async (title: string, writer: Side): Promise<void> => {
    const startedAt = new Map<string, number>();
    const before = sentAt.size;
    for (let n = 0; n < WARM_UP + SINGLE; n++) {
      if (n === WARM_UP) startedAt.clear();
      await writer.box.transaction(async (tx) => {
        const { eventId } = await tx.publish(prices, events[n % KEYS]!);
        // The commit itself counts: it is sent when this function has returned.
        startedAt.set(eventId, systemClock.monotonic());
      });
      // Below what both can do: otherwise it is the length of the queue that is measured.
      await sleep(systemClock, PACE_MS);
    }
    await writer.box.drained();
    while (sentAt.size < before + WARM_UP + SINGLE) await sleep(systemClock, 1);
    const ms = [...startedAt].map(([id, at]) => sentAt.get(id)! - at).sort((a, b) => a - b);
    line(
      title,
      `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p95 ${quantile(ms, 0.95).toFixed(1)} ms, p99 ${
        quantile(ms, 0.99).toFixed(1)
      } ms`,
    );
  };

  print("outbox: from commit to the broker's acknowledgement");
  {
    await using one = await side({}, watching);
    await latency("relay in the process that writes", one);
  }
  {
    await using writer = await side({ relay: false });
    await using _relay = await side({}, watching);
    await latency("relay elsewhere, told by NOTIFY", writer);
  }
  {
    await using writer = await side({ relay: false });
    const startedMs = systemClock.monotonic();
    for (let n = 0; n < WAITING; n += TOGETHER) {
      await writer.box.transaction(async (tx) => {
        await Promise.all(
          Array.from({ length: TOGETHER }, (_, i) => tx.publish(prices, events[i % KEYS]!)),
        );
      });
    }
    const writtenMs = systemClock.monotonic() - startedMs;
    line(`events written, ${TOGETHER} in a transaction`, perSecond(WAITING, writtenMs));
    const relayMs = systemClock.monotonic();
    await using relay = await side({});
    await relay.box.drained();
    line(
      `events sent by one relay, ${WAITING} waiting`,
      perSecond(WAITING, systemClock.monotonic() - relayMs),
    );
  }
  print("");
  return {
    comparisons: [],
    async close() {
      await server.close();
      await broker.close();
    },
  };
}

function perSecond(count: number, ms: number): string {
  return `${Math.round(count / (ms / 1000)).toLocaleString("en")} a second`;
}
