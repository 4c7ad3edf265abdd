/**
 * Driver `otlp` of `@cq/cqi/tracing`: sends spans to an OpenTelemetry collector over HTTP, by
 * `fetch` alone. Needs the packages `@opentelemetry/sdk-trace` and
 * `@opentelemetry/otlp-transformer`.
 *
 * Spans wait in a bounded queue and go out in batches; what does not fit or cannot be sent is
 * dropped and counted (`tracing_spans_dropped_total`). A collector that is not there delays
 * nothing and breaks nothing.
 *
 * @example
 * ```ts
 * import * as tracing from "@cq/cqi/tracing";
 * import * as otlp from "@cq/cqi/tracing/otlp";
 * import assert from "node:assert/strict";
 *
 * const tracer = await tracing.open(
 *   { otlp: { endpoint: "http://localhost:4318" }, sampleRatio: 0.1 },
 *   { service: { name: "cqpm" }, drivers: { otlp: () => otlp } },
 * );
 * // Nobody listens there, and nobody waits.
 * assert.equal(tracer.span("rebalance", {}, () => "done"), "done");
 * await tracer.close({ signal: AbortSignal.abort() });
 * ```
 *
 * @module
 */
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { durationMs, Secret } from "../../core/mod.ts";
import { CqiError } from "../../errors/mod.ts";
import type { OtlpConfig, TracingConfig } from "../../gen/ts/cqc/config/v1/mod.ts";
import type { TracingDriver, TracingEnv } from "../types.ts";
import { BatchProcessor, type SendSpans } from "./_batch.ts";
import { type OtlpHttpSettings, post } from "./_otlp_http.ts";
import { createProvider, keepsErrors } from "./_provider.ts";

const DEFAULT_ENDPOINT = "http://localhost:4318";
const PATH = "/v1/traces";
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_QUEUE = 2048;
const DEFAULT_BATCH = 512;
const DEFAULT_DELAY_MS = 5000;

function refuse(option: string, reason: string): never {
  throw new CqiError(
    "CQI_OPTION_INVALID",
    `Cannot use option 'tracing.otlp.${option}': ${reason}`,
    {
      details: { option },
    },
  );
}

function addressOf(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.username !== "" || url.password !== "") {
    refuse("endpoint", "it must not hold a user or password, give a header by reference instead");
  }
  if (url.pathname === "/") url.pathname = PATH;
  return url.href;
}

async function headersOf(
  config: OtlpConfig | undefined,
  env: TracingEnv,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, ref] of Object.entries(config?.headers ?? {})) {
    if (env.resolveSecret === undefined) {
      refuse(
        "headers",
        `nothing finds the secret of header '${name}', give option 'resolveSecret'`,
      );
    }
    const secret = await env.resolveSecret(ref);
    headers[name] = secret instanceof Secret ? secret.reveal() : secret;
  }
  return headers;
}

async function settingsOf(
  config: OtlpConfig | undefined,
  env: TracingEnv,
): Promise<OtlpHttpSettings> {
  if (config?.tls !== undefined) {
    throw new CqiError(
      "CQI_FEATURE_UNSUPPORTED",
      "Cannot use option 'tracing.otlp.tls': spans are sent by fetch, which takes no certificates",
    );
  }
  const gzip = config?.compression === "gzip";
  const type = config?.protocol === "http/json" ? "application/json" : "application/x-protobuf";
  return {
    url: addressOf(config?.endpoint || DEFAULT_ENDPOINT),
    headers: {
      ...await headersOf(config, env),
      "content-type": type,
      ...(gzip ? { "content-encoding": "gzip" } : {}),
    },
    timeoutMs: durationMs(config?.timeout, DEFAULT_TIMEOUT_MS),
    gzip,
    clock: env.clock,
    random: env.random,
    fetch: (request) => fetch(request),
  };
}

/** How many spans a collector refused, by its answer; one that cannot be read refused none. */
function refusedOf(serializer: typeof JsonTraceSerializer, answer: Uint8Array): number {
  try {
    const { partialSuccess } = serializer.deserializeResponse(answer);
    const refused = Number(partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(refused) && refused > 0 ? refused : 0;
  } catch {
    return 0;
  }
}

/**
 * Makes the driver.
 *
 * @param config Sampling, limits and the section `otlp`.
 * @param env Instruments, the service, and what finds secrets.
 * @throws {CqiError} `CQI_OPTION_INVALID` for an endpoint with a password and for a header whose
 * secret nobody finds, `CQI_FEATURE_UNSUPPORTED` for TLS settings.
 */
export async function createDriver(
  config: TracingConfig,
  env: TracingEnv,
): Promise<TracingDriver> {
  const settings = await settingsOf(config.otlp, env);
  const isJson = config.otlp?.protocol === "http/json";
  const serializer = isJson ? JsonTraceSerializer : ProtobufTraceSerializer;
  const send: SendSpans = async (spans, signal) => {
    const body = serializer.serializeRequest([...spans]);
    if (body === undefined) throw new CqiError("CQI_INTERNAL", "Cannot encode spans");
    return refusedOf(serializer, await post(settings, body as Uint8Array<ArrayBuffer>, signal));
  };
  const batch = new BatchProcessor(send, {
    maxQueue: config.maxQueueSize || DEFAULT_QUEUE,
    maxBatch: Math.min(config.maxBatchSize || DEFAULT_BATCH, config.maxQueueSize || DEFAULT_QUEUE),
    delayMs: durationMs(config.batchTimeout, DEFAULT_DELAY_MS),
    keepErrors: keepsErrors(config),
  }, env);
  return {
    provider: createProvider(config, env, batch),
    flush: (options) => batch.flush(options),
    close: (options) => batch.close(options),
  };
}
