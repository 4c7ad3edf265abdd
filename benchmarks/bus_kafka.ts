import { open, outletOf } from "../bus/mod.ts";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { isCqiError } from "../errors/mod.ts";
import { PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import { type RealKafka, realKafka } from "../testing/real_kafka.ts";
import { type Benchmark, print } from "./_harness.ts";
import { busConsumer, kafkajsConsumer, platformaticConsumer } from "./_kafka_consume.ts";
import { EVENTS, PARTITIONS } from "./_kafka_load.ts";
import {
  busPublisher,
  kafkajsPublishers,
  nestPublishers,
  platformaticPublishers,
} from "./_kafka_publish.ts";

/** How much is measured. */
export interface KafkaBenchmarkOptions {
  /** Rounds of each comparison. @default {7} */
  readonly rounds?: number;
  /** How long a round of publishing takes, in milliseconds. @default {1000} */
  readonly roundMs?: number;
  /** Events that a round of reading reads. @default {30_000} */
  readonly events?: number;
}

const NONE: Benchmark = { comparisons: [], close: () => Promise.resolve() };

async function findKafka(): Promise<RealKafka | undefined> {
  try {
    return await realKafka();
  } catch (error) {
    if (!isCqiError(error, "CQI_DRIVER_MISSING")) throw error;
    print(`bus on Kafka: left out. ${error.message}\n`);
    return undefined;
  }
}

/** Publishing and reading on a real Kafka, against the clients that one would use. */
export async function openBenchmark(options: KafkaBenchmarkOptions = {}): Promise<Benchmark> {
  const { rounds = 7, roundMs = 1000, events = 30_000 } = options;
  const server = await findKafka();
  if (server === undefined) return NONE;
  const brokers = [...server.brokers];
  const id = uuid(systemClock, systemRandom);
  // One for each, since a log that grows longer slows nobody else down.
  const topics = Object.fromEntries(
    ["bus", "kafkajs", "nest", "platformatic", "full"].map((name) => [name, `bench.${id}.${name}`]),
  ) as Record<"bus" | "kafkajs" | "nest" | "platformatic" | "full", string>;
  const openBus = (consumeValidation: string) =>
    open({
      driver: "kafka",
      kafka: { brokers },
      ensureTopics: true,
      consumeValidation,
      topics: Object.values(topics).map((name) => ({ name, partitions: PARTITIONS })),
    }, { drivers: { kafka: () => import("../bus/drivers/kafka.ts") } });
  const bus = await openBus("dead_letter");
  const unchecked = await openBus("off");
  await bus.ensureTopics(Object.values(topics));
  const others = [
    await kafkajsPublishers(brokers, topics.kafkajs),
    await nestPublishers(brokers, topics.nest),
    platformaticPublishers(brokers, topics.platformatic),
  ];
  await fill(outletOf(bus), topics.full, events);
  return {
    comparisons: [
      {
        title: "bus: an event published on Kafka and acknowledged, 256 callers",
        rounds,
        roundMs,
        contenders: [
          busPublisher("bus", bus, topics.bus),
          ...others.flatMap(({ contenders }) => contenders),
        ],
      },
      {
        title: "bus: an event of Kafka read, decoded, handled, committed",
        rounds,
        times: events,
        contenders: [
          busConsumer("bus", bus, topics.full),
          busConsumer("bus, consume_validation off", unchecked, topics.full),
          platformaticConsumer(brokers, topics.full, "decoded"),
          platformaticConsumer(brokers, topics.full, "decoded and valid"),
          kafkajsConsumer(brokers, topics.full, "decoded"),
          kafkajsConsumer(brokers, topics.full, "decoded and valid"),
        ],
      },
    ],
    async close() {
      await bus.close();
      await unchecked.close();
      for (const other of others) await other.close();
      await server.close();
    },
  };
}

/** Puts so many events on a topic. */
async function fill(
  outlet: ReturnType<typeof outletOf>,
  topic: string,
  events: number,
): Promise<void> {
  for (let from = 0; from < events; from += 1000) {
    const length = Math.min(1000, events - from);
    const records = Array.from({ length }, (_, n) => ({
      ...outlet.prepare(PriceUpdatedSchema, EVENTS[(from + n) % EVENTS.length]!),
      topic,
    }));
    const outcomes = await outlet.send(records);
    const failed = outcomes.find((outcome) => outcome instanceof Error);
    if (failed !== undefined) throw failed;
  }
}
