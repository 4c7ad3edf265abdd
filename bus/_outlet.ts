import type { DescMessage, Message } from "@bufbuild/protobuf";
import { chain, type SpanContext, type WaitOptions, withDeadline } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { extract } from "../tracing/mod.ts";
import type { Environment } from "./_environment.ts";
import { prepare, recordOf, requireSize } from "./_record.ts";
import type { RecordToSend } from "./driver.ts";
import { headerText } from "./headers.ts";
import type { Outlet } from "./outlet.ts";
import { requireTopicName, type Topics } from "./topic.ts";
import type { Published, PublishMiddleware, PublishOptions, Topic } from "./types.ts";

type Outcome = Published | Error;

// A driver that heeds its signal has this long to say what became of each record.
const GRACE_MS = 1000;
const MAX_LINKS = 128;

/** Makes the outlet of a bus. */
export function createOutlet(
  env: Environment,
  topics: Topics,
  middleware: readonly PublishMiddleware[],
  requireOpen: (action: string) => void,
): Outlet {
  const { clock, driver, metrics, settings, tracer } = env;

  const sendNow = async (
    records: readonly RecordToSend[],
    { signal }: WaitOptions,
  ): Promise<readonly Outcome[]> => {
    const limitMs = settings.publishTimeoutMs;
    const error = (): CqiError => unacknowledged(records.length, limitMs);
    const inner = new AbortController();
    const onAbort = (): void => inner.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = clock.timer(() => inner.abort(error()), limitMs);
    try {
      const outcomes = await withDeadline(
        clock,
        limitMs + GRACE_MS,
        () => driver.send(records, { signal: inner.signal }),
        { signal, error },
      );
      return records.map((_, at) =>
        outcomes[at] ?? new CqiError("CQI_INTERNAL", "Cannot publish: the driver gave no outcome")
      );
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  };

  return {
    prepare(
      target: string | Topic | DescMessage,
      event: Message,
      options: PublishOptions = {},
    ): RecordToSend {
      const { name, topic = topics.forMessage(name, event) } = topics.resolve(target);
      const prepared = prepare(env, topic.schema, event);
      const full = env.nameOf(topic.name);
      const attributes = {
        "messaging.system": settings.driver,
        "messaging.operation.type": "create",
        "messaging.destination.name": full,
      };
      return tracer.span(
        `create ${full}`,
        { kind: "producer", attributes },
        (span) => recordOf(env, topic, prepared, span, options),
      );
    },
    async send(records, wait = {}) {
      requireOpen("send records");
      wait.signal?.throwIfAborted();
      if (records.length === 0) return [];
      const attributes = {
        "messaging.system": settings.driver,
        "messaging.operation.type": "send",
        "messaging.batch.message_count": records.length,
      };
      return await tracer.span(
        "send batch",
        { kind: "client", attributes, links: linksOf(records) },
        async () => {
          const outcomes = await layered(
            env,
            records,
            middleware,
            (batch) => sendNow(batch, wait),
            wait,
          );
          outcomes.forEach((outcome, at) => {
            const result = outcome instanceof Error ? "error" : "ok";
            metrics.published.with({ topic: records[at]!.topic, result }).add();
          });
          return outcomes;
        },
      );
    },
  };
}

// Middleware handles one record at a time and may take its time; the driver gets them all in one
// call, in their order. So each waits at the end of its layers until all others are there or failed.
// Behind one that failed on its way no other of its key is sent.
async function layered(
  env: Environment,
  records: readonly RecordToSend[],
  middleware: readonly PublishMiddleware[],
  sendAll: (records: readonly RecordToSend[]) => Promise<readonly Outcome[]>,
  wait: WaitOptions,
): Promise<Outcome[]> {
  const slots: (RecordToSend | undefined)[] = records.map(() => undefined);
  const failed = new Set<number>();
  const held = new Set<string>();
  const gone = Promise.withResolvers<ReadonlyMap<number, Outcome>>();
  let missing = records.length;
  let isSent = false;

  const flush = async (): Promise<void> => {
    isSent = true;
    const places: number[] = [];
    records.forEach((record, at) => {
      const lane = laneOf(record);
      if (!failed.has(at)) {
        if (slots[at] !== undefined && !isHeld(record)) places.push(at);
      } else if (lane !== undefined) held.add(lane);
    });
    let outcomes: readonly Outcome[] = [];
    try {
      if (places.length > 0) outcomes = await sendAll(places.map((at) => slots[at]!));
    } catch (error) {
      const failure = CqiError.from(error, "CQI_BUS_UNAVAILABLE");
      outcomes = places.map(() => failure);
    }
    gone.resolve(new Map(places.map((at, index) => [at, outcomes[index]!])));
  };

  const isHeld = (record: RecordToSend): boolean => {
    const lane = laneOf(record);
    return lane !== undefined && held.has(lane);
  };

  return await Promise.all(records.map(async (record, at) => {
    let isCounted = false;
    const count = (): void => {
      if (!isCounted && --missing === 0) void flush();
      isCounted = true;
    };
    const last = async (changed: RecordToSend): Promise<Published> => {
      // A layer that tries again comes here after the batch has gone.
      if (isSent && !isHeld(record)) return orThrow((await sendAll([changed]))[0]!);
      slots[at] ??= changed;
      count();
      return orThrow((await gone.promise).get(at) ?? behind(record.topic));
    };
    try {
      requireTopicName(record.topic);
      requireSize(env, record);
      return await chain(middleware, last)(record, wait);
    } catch (error) {
      failed.add(at);
      return error instanceof Error ? error : CqiError.from(error);
    } finally {
      // One that failed or was answered before it came to the end holds up nobody.
      count();
    }
  }));
}

function laneOf({ topic, key }: RecordToSend): string | undefined {
  return key === null ? undefined : `${topic} ${key}`;
}

function orThrow(outcome: Outcome): Published {
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

function linksOf(records: readonly RecordToSend[]): SpanContext[] {
  return records.slice(0, MAX_LINKS)
    .map(({ headers }) => extract((name) => headerText(headers, name)))
    .filter((context) => context !== undefined);
}

function behind(topic: string): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish on '${topic}' yet: an earlier event of its key failed`,
  );
}

function unacknowledged(count: number, limitMs: number): CqiError {
  return new CqiError(
    "CQI_BUS_UNAVAILABLE",
    `Cannot publish: no acknowledgement of ${count} events within ${limitMs} ms, they may or may ` +
      "not have been written",
    { details: { outcome: "unknown" } },
  );
}
