import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  activeContext,
  LOG_FIELDS,
  type Next,
  runInContext,
  sleep,
  type Span,
  withDeadline,
} from "../core/mod.ts";
import { isCqiError } from "../errors/mod.ts";
import { delays } from "../retry/mod.ts";
import { extract } from "../tracing/mod.ts";
import {
  deliveryOf,
  handlerTimeout,
  isSkip,
  isTransient,
  readable,
  unknownType,
  validated,
} from "./_attempt.ts";
import type { Batcher } from "./_batcher.ts";
import { type Verdict, writeDeadLetter } from "./_dead_letters.ts";
import type { Gate } from "./_dependencies.ts";
import { CAUSE, type Environment } from "./_environment.ts";
import { type Envelope, readEnvelope, readEvent, schemaOf } from "./_received.ts";
import { ABANDONED } from "./_stream.ts";
import type { DeadLetterReason } from "./dead_letters.ts";
import { HEADER, headerText } from "./headers.ts";
import type { Rest } from "./lanes.ts";
import type { BusRecord } from "./driver.ts";
import type { Delivery, Skip, StartAt, SubscriptionInfo } from "./types.ts";

/** A handler and what it asked for. */
export interface Registration {
  readonly info: SubscriptionInfo;
  /** Topic name without the prefix. */
  readonly topic: string;
  /** What it declares, or undefined when each record's own type decides. */
  readonly schema: DescMessage | undefined;
  /** The handler inside its middleware. */
  readonly handle: Next<Delivery, SubscriptionInfo, void | Skip>;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly startAt: StartAt;
  /** Holds its events back while something that it depends on is down. */
  readonly gate: Gate | undefined;
  /** Handlers that run at once where it shares its consumer with nobody. */
  readonly concurrency: number;
}

/** How work is told to end. */
export interface Stopping {
  /** Nothing new starts; waits between attempts end. */
  readonly draining: AbortSignal;
  /** Running handlers are aborted: the budget is over. */
  readonly aborting: AbortSignal;
}

/** How a record ended. An abandoned one is not committed and comes again. */
export type Settled = "handled" | "skipped" | "dead_lettered" | "abandoned";

/** What the partition of a record has to do with its handling. */
export interface Course {
  readonly stopping: Stopping;
  readonly rest: Rest;
  /** Attempts that failed before, wherever that was. */
  readonly failures: number;
  /** Hears how many attempts have failed by now, before it is tried again. */
  failed(count: number): void;
}

/** Sees one record through: decode, attempts, dead letter. Never rejects. */
export type Dispatch = (
  record: BusRecord,
  registrations: readonly Registration[],
  course: Course,
) => Promise<Settled>;

// What the steps of one record share.
interface Work extends Course {
  readonly record: BusRecord;
  readonly envelope: Envelope;
}

/** Makes the handling half of a bus for one group. */
export function dispatcher(env: Environment, out: Batcher, group: string | undefined): Dispatch {
  const { settings, clock, logger, metrics, tracer } = env;
  const delayAfter = delays(settings.backoff, env.random);
  const groupLabel = group ?? "";

  const park = async (ms: number, { stopping, rest }: Work): Promise<boolean> => {
    await rest(sleep(clock, ms, { signal: stopping.draining }).catch(() => {}));
    return !stopping.draining.aborted;
  };

  // Until the dead letter is written the record stays where it is: its lane waits, its offset does
  // not move.
  const bury = async (work: Work, verdict: Verdict): Promise<Settled> => {
    const { record, stopping } = work;
    const topic = settings.deadLetterTopic?.(record.topic);
    const facts = {
      reason: verdict.reason,
      attempts: verdict.attempts,
      dead_letter_topic: topic,
      error: verdict.error,
    };
    if (group === undefined) {
      // A reader has the log to itself and changes nothing in it.
      logger.warn("Reader passed over an event that it cannot read", facts);
      return "skipped";
    }
    let delayMs: number | undefined;
    for (let tries = 1;; tries++) {
      try {
        if (topic !== undefined) {
          await writeDeadLetter(env, out, topic, record, verdict, stopping.aborting);
          logger.error("Event dead-lettered", facts);
          const { reason } = verdict;
          metrics.deadLettered.with({ topic: record.topic, group: groupLabel, reason }).add();
          return "dead_lettered";
        }
        logger.error("Event cannot be handled and dead letters are off: its key waits", facts);
      } catch (error) {
        logger.error("Dead letter cannot be written: its key waits", { ...facts, error });
      }
      delayMs = delayAfter(tries + 4, delayMs);
      if (!await park(delayMs, work)) return "abandoned";
    }
  };

  // False when all is stopping first.
  const untilUp = async (
    gate: Gate,
    error: unknown,
    { stopping, rest }: Work,
  ): Promise<boolean> => {
    const { reason } = gate;
    logger.warn("Handler failed while a dependency was down: no attempt is used up", {
      error,
      reason,
    });
    await rest(gate.whenUp(stopping.draining));
    return !stopping.draining.aborted;
  };

  const attempt = async (
    { record, envelope, stopping }: Work,
    event: Message,
    registration: Registration,
    number: number,
  ): Promise<unknown> => {
    const { timeoutMs, info } = registration;
    const started = clock.monotonic();
    const fields = { ...activeContext().get(LOG_FIELDS), attempt: number };
    try {
      return await withDeadline(
        clock,
        timeoutMs,
        (signal) => {
          const delivery = deliveryOf(record, envelope, event, number, signal);
          const call = () => registration.handle(delivery, info);
          return runInContext(activeContext().with(LOG_FIELDS, fields), call);
        },
        { signal: stopping.aborting, error: () => handlerTimeout(info, timeoutMs) },
      );
    } finally {
      metrics.duration.with({ topic: record.topic, group: groupLabel })
        .observe((clock.monotonic() - started) / 1000);
    }
  };

  const run = async (
    work: Work,
    registration: Registration,
    schema: DescMessage,
    span: Span,
  ): Promise<Settled> => {
    const { record, stopping } = work;
    const bad = (reason: DeadLetterReason, error: unknown, attempts: number): Promise<Settled> => {
      span.fail(error);
      return bury(work, { reason, error, attempts, group });
    };
    const { gate } = registration;
    let startedMs = clock.monotonic();
    let backoffMs: number | undefined;
    for (let number = work.failures + 1;; number++) {
      const downs = gate?.downs ?? 0;
      const begunMs = clock.monotonic();
      span.set({ "messaging.message.delivery_attempt": number });
      let event: Message;
      try {
        // Decoded anew for each attempt: an earlier one may have changed its copy.
        event = readEvent(record, schema, (check) => validated(env, check));
      } catch (error) {
        const invalid = isCqiError(error, "CQI_CONTRACT_INVALID");
        return await bad(invalid ? "invalid" : "undecodable", error, number - 1);
      }
      try {
        const result = await attempt(work, event, registration, number);
        if (!isSkip(result)) return "handled";
        logger.debug("Event skipped", () => ({ reason: result.skip }));
        return "skipped";
      } catch (thrown) {
        // While all is stopping, what a handler uses may be closed already: the next owner judges.
        if (stopping.draining.aborted || thrown === ABANDONED) return "abandoned";
        const error = readable(thrown);
        if (!isTransient(error)) return await bad("permanent", error, number);
        if (gate !== undefined && !await gate.stood(downs)) {
          if (!await untilUp(gate, error, work)) return "abandoned";
          // As if it had not been tried.
          startedMs += clock.monotonic() - begunMs;
          number--;
          continue;
        }
        backoffMs = delayAfter(number, backoffMs);
        const askedMs = isCqiError(error) ? error.retryAfterMs ?? 0 : 0;
        const delayMs = Math.max(backoffMs, askedMs);
        const elapsedMs = clock.monotonic() - startedMs + delayMs;
        const over = number >= registration.attempts || elapsedMs > settings.maxElapsedMs;
        if (over && settings.deadLetterTopic !== undefined) {
          return await bad("exhausted", error, number);
        }
        span.event("retry", { attempt: number, delay_ms: delayMs });
        logger.warn("Handler failed and will be tried again", {
          attempt: number,
          delay_ms: Math.round(delayMs),
          error,
        });
        metrics.retried.with({ topic: record.topic, group: groupLabel }).add();
        work.failed(number);
        if (!await park(delayMs, work)) return "abandoned";
      }
    }
  };

  return async (record, registrations, course) => {
    const envelope = readEnvelope(record);
    const work = { ...course, record, envelope };
    const fields = {
      ...activeContext().get(LOG_FIELDS),
      event_id: envelope.eventId,
      correlation_id: envelope.correlationId,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
    };
    const context = activeContext().with(LOG_FIELDS, fields).with(CAUSE, envelope);
    return await runInContext(context, async () => {
      const meant = headerText(record.headers, HEADER.replayGroup);
      if (meant !== undefined && group !== undefined && meant !== group) {
        logger.debug("Event skipped: it is replayed for another group", { group: meant });
        return "skipped";
      }
      const declared = registrations.find((r) => r.schema?.typeName === envelope.type) ??
        registrations.find((r) => r.schema === undefined) ??
        (envelope.type === undefined && registrations.length === 1 ? registrations[0] : undefined);
      const schema = declared && schemaOf(envelope.type, declared.topic, declared.schema);
      if (declared === undefined || schema === undefined) {
        if (declared === undefined && settings.unknownType === "skip") {
          logger.debug("Event skipped: nobody handles its type", { type: envelope.type });
          return "skipped";
        }
        const error = unknownType(record.topic, envelope.type);
        return await bury(work, { reason: "unknown_type", error, attempts: 0, group });
      }
      return await tracer.span(
        `process ${record.topic}`,
        {
          kind: "consumer",
          parent: extract((name) => headerText(record.headers, name)) ?? null,
          attributes: {
            "messaging.system": settings.driver,
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": String(record.partition),
            "messaging.consumer.group.name": group,
            "messaging.message.id": envelope.eventId,
          },
        },
        (span) => run(work, declared, schema, span),
      );
    });
  };
}
