// A service, a relay or a consumer in a process of its own, to be killed.
// Arguments: role, place as JSON, what the role needs.

import process from "node:process";
import { alert, keyOf, openParts, type Place, topicOf } from "./_outbox.ts";
import { say } from "./_report.ts";

const [role = "", json = "", ...rest] = process.argv.slice(2);
const place: Place = JSON.parse(json);

/** Transactions that move a key's count and publish what they did; every other one is undone. */
async function write(from: number, to: number): Promise<void> {
  const { db, box } = await openParts(place);
  const topic = topicOf(place);
  const one = async (number: number): Promise<void> => {
    try {
      await box.transaction(async (tx) => {
        const key = (number * 7919) % 20;
        for (let n = 0; n <= number % 3; n++) {
          const { count } = await tx.sql<{ count: number }>`
            update counts set count = count + 1 where key = ${keyOf(key)} returning count`.one();
          const { eventId } = await tx.publish(topic, alert(key, `${number}:${count}`));
          await tx.sql`insert into truth values (${eventId}, ${number})`;
        }
        if (number % 2 === 1) throw new Error("undo");
      });
    } catch (error) {
      if (number % 2 === 0) throw error;
    }
    say(`done ${number}`);
  };
  // Four at a time, so that transactions overlap.
  let next = from;
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (next < to) await one(next++);
  }));
  say("written");
  await box.drained();
  await db.close();
  process.exit(0);
}

/** Sends, and says how much. */
async function relay(): Promise<void> {
  let sent = 0;
  await openParts(place, {}, {
    publishMiddleware: [async (record, wait, next) => {
      const published = await next(record, wait);
      say(`sent ${++sent}`);
      return published;
    }],
  });
  say("ready");
}

/** Handles events, and dies after the commit and before the offset. */
async function consume(mode: string): Promise<void> {
  const { box } = await openParts(place, { relay: mode !== "crash" });
  await box.subscribe(topicOf(place), async (event, tx) => {
    if (!event.message.startsWith("cause")) return;
    await tx.sql`insert into effects values (${event.eventId})`;
    await tx.publish(topicOf(place), alert(5, "follows:1"));
  }, {
    group: "handlers",
    middleware: [async (delivery, info, next) => {
      const result = await next(delivery, info);
      const how = typeof result === "object" ? result.skip : "applied";
      // Written at once: the process may not live to flush.
      await new Promise<void>((resolve) =>
        process.stdout.write(`${delivery.event["message" as never]} ${how}\n`, () => resolve())
      );
      if (mode === "crash") process.kill(process.pid, "SIGKILL");
      return result;
    }],
  });
  say("ready");
}

if (role === "write") await write(Number(rest[0]), Number(rest[1]));
else if (role === "relay") await relay();
else await consume(rest[0] ?? "");
