import { HEADER, headerText } from "./headers.ts";
import type { BusRecord } from "./driver.ts";
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterReason,
  DeadLetterState,
} from "./dead_letters.ts";
import type { HeaderValue } from "./types.ts";

/** What was said last of a letter. */
export interface Mark {
  readonly state: DeadLetterState;
  readonly note: string | undefined;
}

const REASONS: readonly string[] = [
  "undecodable",
  "invalid",
  "unknown_type",
  "permanent",
  "exhausted",
] satisfies DeadLetterReason[];
const STATES: readonly string[] = [
  "open",
  "replayed",
  "parked",
  "purged",
] satisfies DeadLetterState[];

/** Where a record stands: how letters are told apart. */
export function placeOf({ partition, offset }: Pick<BusRecord, "partition" | "offset">): string {
  return `${partition}/${offset}`;
}

/** Reads a mark: of which letter it is, and what it says. Undefined for what is none. */
export function readMark({ headers }: BusRecord): readonly [place: string, mark: Mark] | undefined {
  const state = headerText(headers, HEADER.dlqMark);
  const place = headerText(headers, HEADER.dlqMarkOf);
  if (state === undefined || place === undefined || !STATES.includes(state)) return undefined;
  return [place, {
    state: state as DeadLetterState,
    note: headerText(headers, HEADER.dlqMarkNote),
  }];
}

/** Reads a dead letter. Undefined for a record that says neither why nor whence it came. */
export function readLetter(record: BusRecord, mark: Mark | undefined): DeadLetter | undefined {
  const { headers } = record;
  const text = (name: string): string | undefined => headerText(headers, name);
  const reason = text(HEADER.dlqReason);
  const topic = text(HEADER.dlqTopic);
  const partition = wholeOf(text(HEADER.dlqPartition));
  const offset = wholeOf(text(HEADER.dlqOffset));
  if (reason === undefined || topic === undefined) return undefined;
  if (partition === undefined || offset === undefined) return undefined;
  return {
    id: placeOf(record),
    copies: [],
    state: mark?.state ?? "open",
    note: mark?.note,
    reason: REASONS.includes(reason) ? reason as DeadLetterReason : "unknown",
    error: text(HEADER.dlqError) ?? "",
    message: text(HEADER.dlqMessage) ?? "",
    stackHash: text(HEADER.dlqStackHash),
    attempts: Number(wholeOf(text(HEADER.dlqAttempts)) ?? 0n),
    replays: Number(wholeOf(text(HEADER.replayCount)) ?? 0n),
    group: text(HEADER.dlqGroup),
    origin: {
      topic,
      partition: Number(partition),
      offset,
      timestampMs: Date.parse(text(HEADER.dlqTimestamp) ?? "") || 0,
    },
    type: text(HEADER.type),
    eventId: text(HEADER.id),
    key: record.key,
    value: record.value?.slice() ?? null,
    headers: originalHeaders(headers),
    timestampMs: record.timestampMs,
  };
}

// Up to 18 digits: what others wrote may be anything.
function wholeOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9]{1,18}$/.test(text) ? BigInt(text) : undefined;
}

function originalHeaders(headers: ReadonlyMap<string, HeaderValue>): Map<string, HeaderValue> {
  const kept = new Map<string, HeaderValue>();
  for (const [name, value] of headers) {
    if (name.startsWith("cqc_dlq_")) continue;
    kept.set(name, typeof value === "string" ? value : value.slice());
  }
  return kept;
}

/** Whether a filter means a letter of a topic. */
export function isMeant(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { state = "open", group, reason, error, key, since, until, where } = filter;
  return (state === "any" || letter.state === state) &&
    (group === undefined || letter.group === group) &&
    (reason === undefined || letter.reason === reason) &&
    (error === undefined || letter.error === error) &&
    (key === undefined || letter.key === key) &&
    (since === undefined || letter.timestampMs >= since.getTime()) &&
    (until === undefined || letter.timestampMs < until.getTime()) &&
    (where === undefined || where(letter));
}

/** Keeps the oldest letters, and one of those that were written twice. */
export class OldestLetters {
  readonly #limit: number;
  #kept = new Map<string, DeadLetter>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(letter: DeadLetter): void {
    const { group, origin } = letter;
    const name = `${group} ${origin.topic}/${origin.partition}/${origin.offset} ${letter.state}`;
    const twin = this.#kept.get(name);
    this.#kept.set(
      name,
      twin === undefined ? letter : { ...twin, copies: [...twin.copies, letter.id] },
    );
    // Sorting now and then keeps memory bounded and the work in proportion.
    if (this.#kept.size > 2 * this.#limit) this.#cut();
  }

  list(): DeadLetter[] {
    this.#cut();
    return [...this.#kept.values()];
  }

  #cut(): void {
    const sorted = [...this.#kept].sort(([, a], [, b]) => a.timestampMs - b.timestampMs);
    this.#kept = new Map(sorted.slice(0, this.#limit));
  }
}
