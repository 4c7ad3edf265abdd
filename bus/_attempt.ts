import type { Message } from "@bufbuild/protobuf";
import { CqiError, type CqiErrorCode, isCqiError, isRetryable, messageOf } from "../errors/mod.ts";
import { activeContext, type Clock, type Context, runInContext } from "../core/mod.ts";
import type { Course, Registration } from "./_course.ts";
import type { Environment } from "./_environment.ts";
import type { Envelope } from "./_received.ts";
import type { Cuttable } from "./_deadlines.ts";
import type { BusRecord } from "./driver.ts";
import { copyHeaders } from "./headers.ts";
import type { Delivery, HeaderValue, Skip, SubscriptionInfo } from "./types.ts";

/** Runs the check of an event, as far as the configuration wants it. */
export function validated(env: Environment, check: () => void): void {
  if (env.settings.consumeValidation === "off") return;
  try {
    check();
  } catch (error) {
    if (env.settings.consumeValidation === "dead_letter") throw error;
    env.logger.warn("Event is not valid and is handled all the same", { error });
  }
}

/** One call of a handler. Its signal is made when it is asked for: few handlers look at it. */
class Attempt implements Cuttable {
  /** When it began, by the clock that never jumps. */
  readonly begunMs: number;
  /** How often the dependencies had gone down by then. */
  readonly downs: number;
  #controller: AbortController | undefined;
  // Of whoever asked for the signal: what listens to it belongs to this event.
  #context: Context | undefined;
  #cut: { readonly reason: unknown } | undefined;
  #settle: ((outcome: Outcome) => void) | undefined;

  constructor(begunMs: number, downs: number) {
    this.begunMs = begunMs;
    this.downs = downs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#context = activeContext();
    }
    if (this.#cut !== undefined) this.#controller.abort(this.#cut.reason);
    return this.#controller.signal;
  }

  cut(reason: unknown): void {
    this.#cut = { reason };
    // First of the two, so that it stands before what the handler does about the abort.
    this.#settle?.(new Failure(reason, this));
    const controller = this.#controller;
    if (controller !== undefined) runInContext(this.#context!, () => controller.abort(reason));
  }

  /** What comes first: what the handler gives, or the cut, after which it is left behind. */
  race(result: PromiseLike<unknown>): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      const failed = (thrown: unknown): void => resolve(new Failure(thrown, this));
      try {
        // As `await` does: a native promise as it is, whatever else has `then` is adopted.
        Promise.resolve(result).then((value) => resolve(this.outcomeOf(value)), failed);
      } catch (thrown) {
        failed(thrown);
      }
    });
  }

  /** What a handler's result means; one that cannot be looked at counts as a failure. */
  outcomeOf(result: unknown): Outcome {
    try {
      return isSkip(result) ? result : "handled";
    } catch (thrown) {
      return new Failure(thrown, this);
    }
  }
}

/** What a handler is given. */
class Received implements Delivery {
  readonly event: Message;
  readonly eventId: string;
  readonly correlationId: string;
  readonly type: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | undefined;
  readonly timestampMs: number;
  readonly attempt: number;
  readonly #record: BusRecord;
  readonly #attempt: Attempt;
  #headers: ReadonlyMap<string, HeaderValue> | undefined;

  constructor(
    record: BusRecord,
    envelope: Envelope,
    event: Message,
    number: number,
    attempt: Attempt,
  ) {
    this.event = event;
    this.eventId = envelope.eventId;
    this.correlationId = envelope.correlationId;
    this.type = event.$typeName;
    this.topic = record.topic;
    this.partition = record.partition;
    this.offset = record.offset;
    this.key = record.key ?? undefined;
    this.timestampMs = record.timestampMs;
    this.attempt = number;
    this.#record = record;
    this.#attempt = attempt;
  }

  get headers(): ReadonlyMap<string, HeaderValue> {
    // Handlers are strangers to each other, and to the next attempt.
    this.#headers ??= copyHeaders(this.#record.headers);
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  skip(reason: string): Skip {
    return { skip: reason };
  }
}

/** What an attempt is of. */
export interface Attempted {
  readonly course: Course;
  readonly envelope: Envelope;
  readonly registration: Registration;
}

/** What came of an attempt. */
export type Outcome = "handled" | Skip | Failure;

/** Why an attempt did not get through. */
export class Failure {
  readonly thrown: unknown;
  readonly of: Attempt;

  constructor(thrown: unknown, of: Attempt) {
    this.thrown = thrown;
    this.of = of;
  }
}

/** Calls the handler once, within its time. Where it gives no promise neither does this. */
export function attempt(
  clock: Clock,
  { course: { record, stopping }, envelope, registration }: Attempted,
  event: Message,
  number: number,
): Outcome | Promise<Outcome> {
  const { info, limits, duration, gate } = registration;
  const own = new Attempt(clock.monotonic(), gate?.downs ?? 0);
  const over = (outcome: Outcome): Outcome => {
    duration.observe((clock.monotonic() - own.begunMs) / 1000);
    return outcome;
  };
  let settled: Promise<Outcome>;
  try {
    const delivery = new Received(record, envelope, event, number, own);
    const result = registration.handle(delivery, info);
    if (!isThenable(result)) return over(own.outcomeOf(result));
    settled = own.race(result);
  } catch (thrown) {
    return over(new Failure(thrown, own));
  }
  limits.add(own);
  stopping.underway.add(own);
  return settled.then((outcome) => {
    limits.delete(own);
    stopping.underway.delete(own);
    return over(outcome);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  return "then" in value && typeof value.then === "function";
}

function isSkip(result: unknown): result is Skip {
  return typeof result === "object" && result !== null && "skip" in result;
}

/** What was thrown, which can be anything, also what throws when it is looked at. */
export function readable(thrown: unknown): unknown {
  try {
    isRetryable(thrown);
    if (thrown instanceof Error) void [thrown.name, thrown.message, thrown.stack, thrown.cause];
    return thrown;
  } catch {
    return new Error("Thrown value that cannot be read");
  }
}

// Not retryable of itself, and yet no reason to set an event aside: an abort that is not ours came
// from within the handler and may pass, and delivery is at least once, so a handler stands being run
// again where the answer of its database was lost.
const PASSING: readonly CqiErrorCode[] = ["CQI_ABORTED", "CQI_DATABASE_OUTCOME_UNKNOWN"];

/** Whether an error may pass. */
export function isTransient(error: unknown): boolean {
  return !isCqiError(error) || error.retryable || PASSING.includes(error.code);
}

/** Says that a handler was too slow. */
export function handlerTimeout(info: SubscriptionInfo, limitMs: number): CqiError {
  return new CqiError(
    "CQI_BUS_HANDLER_TIMEOUT",
    `Handler of '${info.topic}' took over ${limitMs} ms`,
  );
}

/** Says that nobody knows the type of an event. */
export function unknownType(topic: string, type: string | undefined): CqiError {
  const shown = type === undefined ? "no type" : `type '${messageOf(type).slice(0, 128)}'`;
  return new CqiError(
    "CQI_CONTRACT_UNKNOWN",
    `Cannot decode an event of '${topic}': it has ${shown}, wanted a message of the contracts`,
  );
}
