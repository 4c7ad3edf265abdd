import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  activeContext,
  type Context,
  LOG_FIELDS,
  type LogFields,
  noopTracer,
  runInContext,
  sleep,
  type Span,
} from "../core/mod.ts";
import { isCqiError } from "../errors/mod.ts";
import { delays } from "../retry/mod.ts";
import { extract } from "../tracing/mod.ts";
import {
  attempt,
  type Attempted,
  Failure,
  isTransient,
  type Outcome,
  readable,
  unknownType,
  validated,
} from "./_attempt.ts";
import type { Batcher } from "./_batcher.ts";
import type { Course, Registration, Settled } from "./_course.ts";
import { type Verdict, writeDeadLetter } from "./_dead_letters.ts";
import type { Gate } from "./_dependencies.ts";
import { CAUSE, type Environment } from "./_environment.ts";
import { type Envelope, envelopeReader, eventReader, schemaOf } from "./_received.ts";
import { ABANDONED } from "./_stream.ts";
import { HEADER, headerText } from "./headers.ts";
import type { Skip } from "./types.ts";

/**
 * Sees one record through: decode, attempts, dead letter. Where the handler gives no promise, and
 * all is well, neither does this.
 */
export type Dispatch = (
  course: Course,
  registrations: readonly Registration[],
) => Settled | Promise<Settled>;

// What the steps of one record share.
interface Work extends Attempted {
  readonly course: Course;
  readonly schema: DescMessage;
  readonly span?: Span;
}

/** Makes the handling half of a bus for one group. */
export function dispatcher(env: Environment, out: Batcher, group: string | undefined): Dispatch {
  const { settings, clock, logger, metrics, tracer } = env;
  const delayAfter = delays(settings.backoff, env.random);
  const groupLabel = group ?? "";
  const readEnvelope = envelopeReader();
  const readEvent = eventReader();
  const check = (validate: () => void): void => validated(env, validate);
  // Work begins where other work ends: an event must not inherit the context of another.
  const home = activeContext();
  const homeFields = home.get(LOG_FIELDS);

  const park = async (
    ms: number,
    { course: { stopping, rest } }: Pick<Work, "course">,
  ): Promise<boolean> => {
    const slept = sleep(clock, ms, { signal: stopping.draining }).catch(() => {});
    await runInContext(home, () => rest(slept));
    return !stopping.draining.aborted;
  };

  // Until the dead letter is written the record stays where it is: its lane waits, its offset does
  // not move.
  const bury = async (
    work: Pick<Work, "course" | "span">,
    judged: Omit<Verdict, "group">,
  ): Promise<Settled> => {
    const verdict = { ...judged, group };
    work.span?.fail(verdict.error);
    const { record, stopping } = work.course;
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
    { course: { stopping, rest } }: Work,
  ): Promise<boolean> => {
    const { reason } = gate;
    logger.warn("Handler failed while a dependency was down: no attempt is used up", {
      error,
      reason,
    });
    await runInContext(home, () => rest(gate.whenUp(stopping.draining)));
    return !stopping.draining.aborted;
  };

  const contextOf = ({ record, failures }: Course, envelope: Envelope): Context => {
    const fields: LogFields = {
      event_id: envelope.eventId,
      correlation_id: envelope.correlationId,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      attempt: failures + 1,
    };
    const all = homeFields === undefined ? fields : { ...homeFields, ...fields };
    return home.with(LOG_FIELDS, all).with(CAUSE, envelope);
  };

  const buryUnread = (work: Work, error: unknown, attempts: number): Promise<Settled> => {
    const invalid = isCqiError(error, "CQI_CONTRACT_INVALID");
    return bury(work, { reason: invalid ? "invalid" : "undecodable", error, attempts });
  };

  // After a failed attempt: judges it, waits, tries again.
  const again = async (work: Work, first: number, failure: Failure): Promise<Settled> => {
    const { course, registration } = work;
    const { record, stopping } = course;
    const { gate } = registration;
    let startedMs = failure.of.begunMs;
    let backoffMs: number | undefined;
    for (let number = first;; number++) {
      // While all is stopping, what a handler uses may be closed already: the next owner judges.
      if (stopping.draining.aborted || failure.thrown === ABANDONED) return "abandoned";
      const error = readable(failure.thrown);
      if (!isTransient(error)) {
        return await bury(work, { reason: "permanent", error, attempts: number });
      }
      if (gate !== undefined && !await gate.stood(failure.of.downs)) {
        if (!await untilUp(gate, error, work)) return "abandoned";
        // As if it had not been tried.
        startedMs += clock.monotonic() - failure.of.begunMs;
        number--;
      } else {
        backoffMs = delayAfter(number, backoffMs);
        const askedMs = isCqiError(error) ? error.retryAfterMs ?? 0 : 0;
        const delayMs = Math.max(backoffMs, askedMs);
        const elapsedMs = clock.monotonic() - startedMs + delayMs;
        const over = number >= registration.attempts || elapsedMs > settings.maxElapsedMs;
        if (over && settings.deadLetterTopic !== undefined) {
          return await bury(work, { reason: "exhausted", error, attempts: number });
        }
        work.span?.event("retry", { attempt: number, delay_ms: delayMs });
        logger.warn("Handler failed and will be tried again", {
          attempt: number,
          delay_ms: Math.round(delayMs),
          error,
        });
        metrics.retried.with({ topic: record.topic, group: groupLabel }).add();
        course.failed(number);
        if (!await park(delayMs, work)) return "abandoned";
      }
      // Decoded anew for each attempt: an earlier one may have changed its copy.
      let event: Message;
      try {
        event = readEvent(record, work.schema, check);
      } catch (error) {
        return await buryUnread(work, error, number);
      }
      work.span?.set({ "messaging.message.delivery_attempt": number + 1 });
      const context = activeContext();
      const fields = { ...context.get(LOG_FIELDS), attempt: number + 1 };
      const outcome = await runInContext(
        context.with(LOG_FIELDS, fields),
        () => attempt(clock, work, event, number + 1),
      );
      if (!(outcome instanceof Failure)) return settledBy(outcome);
      failure = outcome;
    }
  };

  const settledBy = (outcome: "handled" | Skip): Settled => {
    if (outcome === "handled") return outcome;
    logger.debug("Event skipped", () => ({ reason: outcome.skip }));
    return "skipped";
  };

  const see = (work: Work): Settled | Promise<Settled> => {
    const { course: { record, stopping, failures }, schema } = work;
    let event: Message;
    try {
      event = readEvent(record, schema, check);
    } catch (error) {
      return buryUnread(work, error, failures);
    }
    if (stopping.aborting.aborted) return "abandoned";
    const number = failures + 1;
    work.span?.set({ "messaging.message.delivery_attempt": number });
    const outcome = attempt(clock, work, event, number);
    const judge = (made: Outcome): Settled | Promise<Settled> =>
      made instanceof Failure ? again(work, number, made) : settledBy(made);
    return outcome instanceof Promise ? outcome.then(judge) : judge(outcome);
  };

  const dispatch = (
    course: Course,
    registrations: readonly Registration[],
    envelope: Envelope,
  ): Settled | Promise<Settled> => {
    const { record } = course;
    const meant = headerText(record.headers, HEADER.replayGroup);
    if (meant !== undefined && group !== undefined && meant !== group) {
      logger.debug("Event skipped: it is replayed for another group", { group: meant });
      return "skipped";
    }
    const registration = registrations.find((r) => r.schema?.typeName === envelope.type) ??
      registrations.find((r) => r.schema === undefined) ??
      (envelope.type === undefined && registrations.length === 1 ? registrations[0] : undefined);
    const schema = registration &&
      schemaOf(envelope.type, registration.topic, registration.schema);
    if (registration === undefined || schema === undefined) {
      if (registration === undefined && settings.unknownType === "skip") {
        logger.debug("Event skipped: nobody handles its type", { type: envelope.type });
        return "skipped";
      }
      const error = unknownType(record.topic, envelope.type);
      return bury({ course }, { reason: "unknown_type", error, attempts: 0 });
    }
    const work = { course, envelope, registration, schema };
    if (tracer === noopTracer) return see(work);
    return tracer.span(
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
      (span) => see({ ...work, span }),
    );
  };

  return (course, registrations) => {
    const envelope = readEnvelope(course.record);
    return runInContext(
      contextOf(course, envelope),
      () => dispatch(course, registrations, envelope),
    );
  };
}
