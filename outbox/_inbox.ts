import type { DescMessage, Message } from "@bufbuild/protobuf";
import type {
  ConsumeMiddleware,
  Delivery,
  EventHandler,
  Skip,
  Subscription,
  Topic,
} from "../bus/mod.ts";
import type { TransactionOptions } from "../database/mod.ts";
import { CqiError, isCqiError } from "../errors/mod.ts";
import { refuse } from "../internal/options.ts";
import type { Environment } from "./_environment.ts";
import type { Writer } from "./_writer.ts";
import type { HandlerOptions, InboxHandler, InboxSubscribeOptions, Outbox } from "./types.ts";

// The rule of event_bus.consumer_group.
const GROUP_REGEXP = /^[a-zA-Z0-9._-]{1,249}$/;

/** What of an outbox handles events. */
export type Inbox = Pick<Outbox, "handler" | "subscribe">;

/** Makes the handling half of an outbox. */
export function inboxOf(env: Environment, within: Writer): Inbox {
  const { bus, db, metrics, tables } = env;

  const handle = async <E extends Message>(
    handler: InboxHandler<E>,
    delivery: Delivery<E>,
    group: string,
    options: TransactionOptions,
  ): Promise<void | Skip> => {
    const { topic, eventId, signal } = delivery;
    const note = (result: "applied" | "duplicate"): void =>
      metrics.inbox.with({ group, result }).add();
    try {
      let isNew = true;
      const result = await db.transaction(async (inner) => {
        // First of all: the same event in another process waits here until this one has ended.
        const noted = await inner.sql`
          insert into ${tables.inbox} (consumer_group, topic, event_id)
          values (${group}, ${topic}, ${eventId})
          on conflict do nothing`.with({ name: "inbox_note" }).execute();
        isNew = noted === 1;
        if (!isNew) return delivery.skip("duplicate");
        return await handler(delivery.event, { ...within(inner), delivery });
      }, { ...options, signal });
      note(isNew ? "applied" : "duplicate");
      return result;
    } catch (error) {
      // Without an inbox nobody could tell whether it was done. Here the next attempt can.
      if (!isCqiError(error, "CQI_DATABASE_OUTCOME_UNKNOWN")) throw error;
      const { code, message, details } = error;
      throw new CqiError(code, message, { cause: error, details, retryable: true });
    }
  };

  return {
    handler<E extends Message>(
      handler: InboxHandler<E>,
      { group, ...options }: HandlerOptions,
    ): EventHandler<E> {
      requireHandler(handler);
      if (typeof group !== "string" || !GROUP_REGEXP.test(group)) {
        refuse("group", group, "1 to 249 characters of [a-zA-Z0-9._-]");
      }
      return (_event, delivery) => handle(handler, delivery, group, options);
    },
    subscribe(
      target: string | Topic | DescMessage,
      handler: InboxHandler,
      options: InboxSubscribeOptions = {},
    ): Promise<Subscription> {
      requireHandler(handler);
      const { transaction = {}, middleware = [], ...rest } = options;
      if ("broadcast" in rest) {
        refuse("broadcast", rest.broadcast, "absent: an inbox is that of a group");
      }
      // The bus alone knows the group where none is given.
      let group = "";
      const learn: ConsumeMiddleware = (delivery, info, next) => {
        group = info.group ?? "";
        return next(delivery, info);
      };
      return bus.subscribe(
        target as string,
        (_event, delivery) => handle(handler, delivery, group, transaction),
        { ...rest, middleware: [learn, ...middleware] },
      );
    },
  };
}

function requireHandler(handler: unknown): void {
  if (typeof handler !== "function") refuse("handler", handler, "a function");
}
