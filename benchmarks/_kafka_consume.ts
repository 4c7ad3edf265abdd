// Reading a topic of Kafka to its end: through the bus, and through the clients under it. Each
// round is a group of its own, which begins at the first event and commits what it has handled.

import { Consumer } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { type Bus, topic as topicOf } from "../bus/mod.ts";
import { decode, validate } from "../contracts/mod.ts";
import { systemClock, systemRandom, uuid } from "../core/mod.ts";
import { type PriceUpdated, PriceUpdatedSchema } from "../gen/ts/cqc/events/v1/mod.ts";
import type { Contender } from "./_harness.ts";
import { stopwatch } from "./_kafka_load.ts";

function freshGroup(): string {
  return `bench-${uuid(systemClock, systemRandom)}`;
}

function read(value: Uint8Array): PriceUpdated {
  return decode(PriceUpdatedSchema, value);
}

function readValid(value: Uint8Array): PriceUpdated {
  const event = read(value);
  validate(PriceUpdatedSchema, event);
  return event;
}

/**
 * Through the bus.
 *
 * @param name For the table.
 * @param bus The bus.
 * @param topic A topic with at least as many events as a round reads.
 */
export function busConsumer(name: string, bus: Bus, topic: string): Contender {
  const prices = topicOf(PriceUpdatedSchema, { name: topic });
  return {
    name,
    async run(times) {
      const { start, count, done } = stopwatch(times);
      const subscription = await bus.subscribe(prices, (event) => {
        if (event.price !== undefined) count();
      }, { group: freshGroup() });
      start();
      const ms = await done;
      await subscription.close();
      return ms;
    },
  };
}

/** Through a stream of @platformatic/kafka, committed by itself after each fetch. */
export function platformaticConsumer(
  brokers: string[],
  topic: string,
  how: "decoded" | "decoded and valid",
): Contender {
  const open = how === "decoded" ? read : readValid;
  return {
    name: `@platformatic/kafka stream, ${how}`,
    async run(times) {
      const { start, count, done } = stopwatch(times);
      const consumer = new Consumer({
        clientId: "bench",
        groupId: freshGroup(),
        bootstrapBrokers: brokers,
      });
      // A fetch that waits for more would hold up the end.
      const stream = await consumer.consume({
        topics: [topic],
        mode: "committed",
        fallbackMode: "earliest",
        maxWaitTime: 500,
      });
      start();
      const reading = (async () => {
        for await (const { value } of stream) if (open(value).price !== undefined) count();
      })();
      const ms = await done;
      await stream.close();
      await reading;
      await consumer.close(true);
      return ms;
    },
  };
}

/** Through eachMessage of kafkajs. */
export function kafkajsConsumer(
  brokers: string[],
  topic: string,
  how: "decoded" | "decoded and valid",
): Contender {
  const open = how === "decoded" ? read : readValid;
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  return {
    name: `kafkajs eachMessage, ${how}`,
    async run(times) {
      const { start, count, done } = stopwatch(times);
      const consumer = kafka.consumer({ groupId: freshGroup(), maxWaitTimeInMs: 500 });
      consumer.on(consumer.events.GROUP_JOIN, start);
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        eachMessage({ message }) {
          if (message.value !== null && open(message.value).price !== undefined) count();
          return Promise.resolve();
        },
      });
      const ms = await done;
      await consumer.disconnect();
      return ms;
    },
  };
}
