// Publishing on Kafka: the bus, and the clients that one would use in its place.

import { Logger } from "@nestjs/common";
import { ClientKafka } from "@nestjs/microservices";
import { Producer } from "@platformatic/kafka";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { Buffer } from "node:buffer";
import { firstValueFrom } from "rxjs";
import { type Bus, topic as topicOf } from "../bus/mod.ts";
import { PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import type { Contender } from "./_harness.ts";
import { byCallers, byHand, EVENTS, inBuffers } from "./_kafka_load.ts";

/** What is made of one client. */
export interface Publishers {
  readonly contenders: readonly Contender[];
  close(): Promise<void>;
}

/** How many events a batch made by hand has. */
const BATCH = 500;

/** Through the bus, whose callers know of no batches. */
export function busPublisher(name: string, bus: Bus, topic: string): Contender {
  const prices = topicOf(PriceUpdatedSchema, { name: topic });
  return {
    name,
    run: (times) =>
      byCallers(times, (number) => bus.publish(prices, EVENTS[number % EVENTS.length]!)),
  };
}

/** Through a bare producer of kafkajs. */
export async function kafkajsPublishers(brokers: string[], topic: string): Promise<Publishers> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const send = (number: number): Promise<unknown> => {
    const { key, value, headers } = byHand(number);
    return producer.send({ topic, messages: [{ key, value: Buffer.from(value), headers }] });
  };
  return {
    contenders: [{ name: "kafkajs, send", run: (times) => byCallers(times, send) }],
    close: () => producer.disconnect(),
  };
}

/** Through the Kafka client of NestJS, which is on kafkajs. */
export async function nestPublishers(brokers: string[], topic: string): Promise<Publishers> {
  Logger.overrideLogger(false);
  const client = new ClientKafka({
    client: { brokers, logLevel: logLevel.NOTHING },
    producer: { createPartitioner: Partitioners.DefaultPartitioner },
    producerOnlyMode: true,
  });
  await client.connect();
  const send = (number: number): Promise<unknown> => {
    const { key, value, headers } = byHand(number);
    return firstValueFrom(client.emit(topic, { key, value: Buffer.from(value), headers }));
  };
  return {
    contenders: [{ name: "NestJS ClientKafka, emit", run: (times) => byCallers(times, send) }],
    close: () => client.close(),
  };
}

/** Through a bare producer of @platformatic/kafka: event by event, and in batches made by hand. */
export function platformaticPublishers(brokers: string[], topic: string): Publishers {
  // Not idempotent: it would send one request at a time.
  const producer = new Producer({ clientId: "bench", bootstrapBrokers: brokers, acks: -1 });
  return {
    contenders: [
      {
        name: `@platformatic/kafka, batches of ${BATCH} by hand`,
        async run(times) {
          for (let from = 0; from < times; from += BATCH) {
            const length = Math.min(BATCH, times - from);
            const messages = Array.from({ length }, (_, n) => inBuffers(topic, from + n));
            await producer.send({ messages });
          }
        },
      },
      {
        name: "@platformatic/kafka, send",
        run: (times) =>
          byCallers(times, (number) => producer.send({ messages: [inBuffers(topic, number)] })),
      },
    ],
    close: () => producer.close(),
  };
}
