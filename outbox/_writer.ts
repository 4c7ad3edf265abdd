import type { DescMessage, Message } from "@bufbuild/protobuf";
import { HEADER, partitionOfKey, type PublishOptions, type Topic } from "../bus/mod.ts";
import { sql, type SqlFragment, type Transaction } from "../database/mod.ts";
import { refuse } from "../internal/options.ts";
import type { Environment } from "./_environment.ts";
import { storedHeaders } from "./_headers.ts";
import { canListen } from "./_listener.ts";
import { LANES } from "./migrations.ts";
import type { Enqueued, OutboxTransaction } from "./types.ts";

/** Gives transactions the ability to publish. */
export type Writer = (tx: Transaction) => OutboxTransaction;

// An entry of PostgreSQL's indexes has 2,704 bytes at most (BTMaxItemSize), and this one has topic and
// key. A longer key would be found out by a relay only, which could then note nothing of the event.
const MAX_KEY_BYTES = 2000;
const encoder = new TextEncoder();

/**
 * Makes the writing half of an outbox.
 *
 * @param wake Called after each commit with events in it.
 */
export function writer(env: Environment, wake: () => void): Writer {
  const { outlet, tables } = env;
  const tellsOthers = canListen(env);

  const insert = (values: SqlFragment): SqlFragment => {
    const columns = sql.fragment`
      (lane, topic, key, event_id, value, headers, timestamp_ms, size)`;
    const statement = sql.fragment`insert into ${tables.outbox} ${columns} values ${values}`;
    // Told with the commit and not before (NOTIFY); once, however many events a transaction has.
    return tellsOthers
      ? sql.fragment`with written as (${statement} returning id)
          select pg_notify(${tables.channel}, '') from written`
      : statement;
  };

  const within: Writer = (tx) => {
    let isHooked = false;
    const publish = async (
      target: string | Topic | DescMessage,
      event: Message,
      options: PublishOptions = {},
    ): Promise<Enqueued> => {
      options.signal?.throwIfAborted();
      const record = outlet.prepare(target as string, event, options);
      const { topic, key, value, headers, timestampMs } = record;
      if (key !== null && encoder.encode(key).length > MAX_KEY_BYTES) {
        refuse("key", key, `at most ${MAX_KEY_BYTES} bytes of UTF-8 in an outbox`);
      }
      const eventId = headers.get(HEADER.id) as string;
      if (!isHooked) {
        tx.afterCommit(wake);
        isHooked = true;
      }
      await tx.sql`${
        insert(sql.values([[
          laneOf(topic, key, eventId),
          topic,
          key,
          eventId,
          value,
          sql.json(storedHeaders(headers)),
          timestampMs,
          (value?.length ?? 0) + 1,
        ]]))
      }`.with({ name: "outbox_publish", signal: options.signal });
      return { eventId, topic };
    };
    return {
      ...tx,
      publish: publish as OutboxTransaction["publish"],
      savepoint: (fn) => tx.savepoint((inner) => fn(within(inner))),
    };
  };
  return within;
}

/** The lane of a record: the same for all of a topic and key, any for those without a key. */
export function laneOf(topic: string, key: string | null, eventId: string): number {
  return partitionOfKey(`${topic} ${key ?? eventId}`, LANES);
}
