// OTLP over HTTP (opentelemetry.io, OTLP specification 1.x, "OTLP/HTTP").

import { context, createContextKey } from "@opentelemetry/api";
import type { Clock, Random } from "../../core/mod.ts";
import { sleep, withDeadline } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";

/** How a collector is reached. */
export interface OtlpHttpSettings {
  /** Address with path. */
  readonly url: string;
  /** Headers of every request, content type among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Most milliseconds for one export, retries and pauses included. */
  readonly timeoutMs: number;
  /** Whether bodies are compressed. */
  readonly gzip: boolean;
  /** Measures waits. */
  readonly clock: Clock;
  /** Spreads retries. */
  readonly random: Random;
  /** Sends a request. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;
const MAX_ANSWER_BYTES = 65_536;
// "Retryable response codes" of the specification.
const RETRYABLE = new Set([429, 502, 503, 504]);
// By which instrumented fetches know that a request is the exporter's own.
const SUPPRESS = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

async function compress(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Milliseconds of a header `retry-after` (RFC 9110 section 10.2.3). */
function retryAfterMs(response: Response, clock: Clock): number | undefined {
  const text = response.headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now());
}

/** The first bytes of an answer; a collector that sends more is not read to the end. */
async function readAnswer(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined && size < MAX_ANSWER_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  await reader?.cancel();
  const bytes = new Uint8Array(size);
  chunks.reduce((at, chunk) => (bytes.set(chunk, at), at + chunk.length), 0);
  return bytes;
}

interface Attempt {
  /** Body of an answer that took the spans. */
  readonly answer?: Uint8Array;
  /** What went wrong otherwise. */
  readonly error?: CqiError;
  readonly retryAfterMs?: number | undefined;
}

async function attempt(
  settings: OtlpHttpSettings,
  body: Uint8Array<ArrayBuffer>,
  limitMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  const { url, headers, clock } = settings;
  try {
    return await withDeadline(clock, limitMs, async (limit) => {
      // A redirect would carry the headers elsewhere.
      const init = { method: "POST", headers, body, signal: limit, redirect: "manual" } as const;
      const quiet = context.active().setValue(SUPPRESS, true);
      const response = await context.with(quiet, () => settings.fetch(new Request(url, init)));
      if (response.ok) return { answer: await readAnswer(response) };
      await response.body?.cancel();
      const retryable = RETRYABLE.has(response.status);
      const message = `Cannot export spans: the collector answered ${response.status}`;
      return {
        error: new CqiError("CQI_UNAVAILABLE", message, { retryable }),
        retryAfterMs: retryAfterMs(response, clock),
      };
    }, { signal, action: "exporting spans" });
  } catch (cause) {
    if (signal.aborted) throw cause;
    const message = "Cannot export spans: the collector cannot be reached";
    return { error: new CqiError("CQI_UNAVAILABLE", message, { cause }) };
  }
}

/** Full jitter: anything up to the exponential delay, and no less than what was asked for. */
function delayMs(settings: OtlpHttpSettings, tried: number, asked: number | undefined): number {
  const most = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** tried);
  return Math.min(MAX_DELAY_MS, Math.max(asked ?? 0, settings.random.next() * most));
}

/**
 * Posts a body, again after what is passing: at most 5 times, within the export's time.
 *
 * @param settings The collector.
 * @param body The encoded spans.
 * @param signal Ends waits and requests.
 * @returns The collector's answer, at most its first 64 KiB.
 * @throws {CqiError} `CQI_UNAVAILABLE` when the spans are lost.
 */
export async function post(
  settings: OtlpHttpSettings,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { clock, timeoutMs } = settings;
  const bytes = settings.gzip ? await compress(body) : body;
  const end = clock.monotonic() + timeoutMs;
  for (let tried = 0;; tried++) {
    const result = await attempt(settings, bytes, end - clock.monotonic(), signal);
    if (result.answer !== undefined) return result.answer;
    const error = result.error!;
    const pauseMs = delayMs(settings, tried, result.retryAfterMs);
    const isLast = tried + 1 >= MAX_ATTEMPTS || clock.monotonic() + pauseMs >= end;
    if (!error.retryable || isLast) throw error;
    await sleep(clock, pauseMs, { signal, background: true });
  }
}
