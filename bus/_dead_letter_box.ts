import type { WaitOptions } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { refuse, requireInteger, requireOneOf } from "../internal/options.ts";
import type { Batcher } from "./_batcher.ts";
import { printable } from "./_dead_letters.ts";
import type { Environment } from "./_environment.ts";
import { isMeant, type Mark, OldestLetters, placeOf, readLetter, readMark } from "./_letters.ts";
import { readToEnd } from "./_log_reader.ts";
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetters,
  DeadLetterSelection,
  DeadLetterState,
  MarkOptions,
  ReplayReport,
} from "./dead_letters.ts";
import { HEADER } from "./headers.ts";
import { requireTopicName } from "./topic.ts";
import type { HeaderValue } from "./types.ts";

// What is known of marks is held while letters are read.
const MAX_MARKS = 1_000_000;
// So many letters are on their way at once.
const CHUNK = 500;
const STATES = ["open", "replayed", "parked", "purged", "any"] as const;

/**
 * The dead letters of a topic.
 *
 * @param out What records are written with.
 * @param origin Full name of the topic they came from.
 */
export function deadLetterBox(env: Environment, out: Batcher, origin: string): DeadLetters {
  const topic = env.settings.deadLetterTopic?.(origin);
  if (topic === undefined) {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      `Cannot open the dead letters of '${origin}': event_bus.dead_letter.enabled is false`,
    );
  }
  requireTopicName(topic);
  const marksTopic = requireTopicName(`${topic}.marks`);

  const readMarks = async (signal: AbortSignal | undefined): Promise<Map<string, Mark>> => {
    const marks = new Map<string, Mark>();
    await readToEnd(env, marksTopic, (record) => {
      const found = readMark(record);
      if (found !== undefined) marks.set(...found);
    }, signal);
    if (marks.size <= MAX_MARKS) return marks;
    throw new CqiError(
      "CQI_BUS_UNAVAILABLE",
      `Cannot read dead letters: '${marksTopic}' has ${marks.size} marks, wanted at most ` +
        `${MAX_MARKS}; shorten the retention of both topics`,
    );
  };

  const list = async (
    filter: DeadLetterFilter = {},
    { signal }: WaitOptions = {},
  ): Promise<readonly DeadLetter[]> => {
    const oldest = new OldestLetters(requireFilter(filter));
    const marks = await readMarks(signal);
    await readToEnd(env, topic, (record) => {
      const letter = readLetter(record, marks.get(placeOf(record)));
      // One dead-letter topic may serve many.
      if (letter?.origin.topic === origin && isMeant(letter, filter)) oldest.add(letter);
    }, signal);
    return oldest.list();
  };

  // Those of a list that nobody has dealt with since.
  const select = async (
    which: DeadLetterSelection,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly letters: readonly DeadLetter[]; readonly passed: number }> => {
    if (!isList(which)) return { letters: await list(which, { signal }), passed: 0 };
    const marks = await readMarks(signal);
    const letters = which.filter(({ id, state }) => (marks.get(id)?.state ?? "open") === state);
    return { letters, passed: which.length - letters.length };
  };

  const mark = async (
    { id, copies }: DeadLetter,
    state: DeadLetterState,
    { note, signal }: MarkOptions,
  ): Promise<void> => {
    const send = (place: string) => {
      const headers = new Map<string, HeaderValue>([
        [HEADER.dlqMark, state],
        [HEADER.dlqMarkOf, place],
      ]);
      if (note !== undefined) headers.set(HEADER.dlqMarkNote, printable(note));
      const value = new Uint8Array();
      const record = { topic: marksTopic, key: place, value, headers };
      return out.send({ ...record, timestampMs: env.clock.now() }, { signal });
    };
    await Promise.all([id, ...copies].map(send));
  };

  const markAll = async (
    which: DeadLetterSelection,
    state: DeadLetterState,
    options: MarkOptions,
  ): Promise<number> => {
    const { letters } = await select(which, options.signal);
    await inChunks(letters, (letter) => mark(letter, state, options));
    env.logger.info("Dead letters marked", {
      dead_letter_topic: topic,
      state,
      ...countOf(letters),
    });
    return letters.length;
  };

  return {
    topic,
    list,
    async replay(which, { maxReplays = 3, signal } = {}): Promise<ReplayReport> {
      requireInteger("maxReplays", maxReplays, 0, 1000);
      const { letters, passed } = await select(which, signal);
      let [replayed, parked] = [0, 0];
      await inChunks(letters, async (letter) => {
        if (letter.replays >= maxReplays) {
          await mark(letter, "parked", { note: `replayed ${letter.replays} times`, signal });
          parked++;
        } else {
          const { origin: { topic }, key, value } = letter;
          const record = { topic, key, value, headers: replayHeaders(letter) };
          await out.send({ ...record, timestampMs: env.clock.now() }, { signal });
          await mark(letter, "replayed", { signal });
          replayed++;
        }
      });
      env.logger.info("Dead letters replayed", { dead_letter_topic: topic, replayed, parked });
      return { replayed, parked, passed };
    },
    park: (which, options = {}) => markAll(which, "parked", options),
    purge: (which, options = {}) => markAll(which, "purged", options),
  };
}

function replayHeaders({ headers, replays, group, origin }: DeadLetter): Map<string, HeaderValue> {
  const result = new Map(headers);
  result.set(HEADER.replayCount, String(replays + 1));
  if (!result.has(HEADER.replayOf)) {
    result.set(HEADER.replayOf, `${origin.topic}/${origin.partition}/${origin.offset}`);
  }
  if (group !== undefined) result.set(HEADER.replayGroup, group);
  return result;
}

// Begun in their order, so that those of a key are written in it. All are seen through before the
// first failure is thrown: what did not fail is marked.
async function inChunks<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += CHUNK) {
    const results = await Promise.allSettled(items.slice(at, at + CHUNK).map(work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}

function countOf(letters: readonly DeadLetter[]): { readonly count: number } {
  return { count: letters.length };
}

function isList(which: DeadLetterSelection): which is readonly DeadLetter[] {
  return Array.isArray(which);
}

// Gives the limit.
function requireFilter(filter: DeadLetterFilter): number {
  if (typeof filter !== "object" || filter === null) refuse("filter", filter, "an object");
  if (filter.state !== undefined) requireOneOf("state", filter.state, STATES);
  for (const name of ["since", "until"] as const) {
    const time: unknown = filter[name];
    if (time === undefined) continue;
    if (!(time instanceof Date) || Number.isNaN(time.getTime())) {
      refuse(name, time, "a valid Date");
    }
  }
  return requireInteger("limit", filter.limit ?? 100, 1, 10_000);
}
