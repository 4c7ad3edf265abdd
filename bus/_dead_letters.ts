import { isCqiError, messageOf } from "../errors/mod.ts";
import { redactSecrets } from "../internal/redact_secrets.ts";
import type { Batcher } from "./_batcher.ts";
import type { Environment } from "./_environment.ts";
import { HEADER } from "./headers.ts";
import type { DeadLetterReason } from "./dead_letters.ts";
import type { BusRecord } from "./driver.ts";
import { murmur2 } from "./murmur2.ts";
import type { HeaderValue } from "./types.ts";

/** What is written beside the untouched record. */
export interface Verdict {
  readonly reason: DeadLetterReason;
  readonly error: unknown;
  readonly attempts: number;
  readonly group: string | undefined;
}

const MAX_MESSAGE = 1024;

/**
 * Writes a record to its dead-letter topic, key and value as they came. Rejects when it could not be
 * written: the caller must then keep the record.
 */
export async function writeDeadLetter(
  env: Environment,
  out: Batcher,
  topic: string,
  record: BusRecord,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<void> {
  const headers = new Map<string, HeaderValue>(record.headers);
  headers.set(HEADER.dlqReason, verdict.reason);
  headers.set(HEADER.dlqError, errorClass(verdict.error));
  // Messages quote connection strings and worse; longer than this nothing is shown anyway.
  const message = redactSecrets(messageOf(verdict.error).slice(0, 4 * MAX_MESSAGE));
  headers.set(HEADER.dlqMessage, printable(message));
  const stack = stackHash(verdict.error);
  headers.delete(HEADER.dlqStackHash);
  if (stack !== undefined) headers.set(HEADER.dlqStackHash, stack);
  headers.set(HEADER.dlqAttempts, String(verdict.attempts));
  headers.set(HEADER.dlqTopic, record.topic);
  headers.set(HEADER.dlqPartition, String(record.partition));
  headers.set(HEADER.dlqOffset, String(record.offset));
  headers.set(HEADER.dlqTimestamp, new Date(record.timestampMs).toISOString());
  if (verdict.group !== undefined) headers.set(HEADER.dlqGroup, verdict.group);
  const { key, value } = record;
  await out.send({ topic, key, value, headers, timestampMs: env.clock.now() }, { signal });
}

function errorClass(error: unknown): string {
  if (isCqiError(error)) return error.code;
  return error instanceof Error ? printable(error.name) : typeof error;
}

const FRAMES = 10;

// Over where the error came from and not over its message, which may differ from event to event.
function stackHash(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== "string") return undefined;
  const frames = error.stack.split("\n").filter((line) => /^\s+at |@/.test(line)).slice(0, FRAMES);
  if (frames.length === 0) return undefined;
  const hash = murmur2(new TextEncoder().encode(frames.join("\n"))) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

/**
 * Text fit for the value of a header, which travels on into logs and terminals: bounded, real UTF-8,
 * without control characters.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- taking them out is the purpose
  return text.slice(0, MAX_MESSAGE).toWellFormed().replace(/[\u0000-\u001f\u007f]/g, " ");
}
