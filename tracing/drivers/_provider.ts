import {
  type SpanProcessor,
  TracerProvider,
  type TracerProviderOptions,
} from "@opentelemetry/sdk-trace";
import { isFieldSet } from "@bufbuild/protobuf";
import { type TracingConfig, TracingConfigSchema } from "../../gen/ts/cqc/config/v1/mod.ts";
import { hex } from "../../internal/ids.ts";
import type { TracingEnv } from "../types.ts";
import { createSampler } from "./_sampler.ts";

type Resource = NonNullable<TracerProviderOptions["resource"]>;

const MAX_ATTRIBUTES = 128;
const MAX_TEXT = 4096;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const SAMPLE_ALL = 1;

/** The service by the names of the semantic conventions, version 1.45. */
function resourceOf({ service }: TracingEnv): Resource {
  const known = {
    "service.name": service.name,
    "service.version": service.version,
    "service.instance.id": service.instanceId,
    "deployment.environment.name": service.environment,
  };
  const entries = Object.entries(known).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  const resource: Resource = {
    attributes: Object.fromEntries(entries),
    merge: (other) => other ?? resource,
    getRawAttributes: () => entries,
  };
  return resource;
}

/** Random bytes as an id; one that is all zero is not valid. */
function idMaker(env: TracingEnv, bytes: number): () => string {
  return () => {
    for (;;) {
      const id = hex(env.random.bytes(bytes));
      if (/[^0]/.test(id)) return id;
    }
  };
}

/** Whether spans that failed are kept even if their trace is not. */
export function keepsErrors(config: TracingConfig): boolean {
  return !isFieldSet(config, TracingConfigSchema.field.sampleErrors) || config.sampleErrors;
}

/**
 * Makes a provider that hands finished spans to a processor.
 *
 * @param config Sampling and limits.
 * @param env Service and randomness.
 * @param processor Takes finished spans.
 */
export function createProvider(
  config: TracingConfig,
  env: TracingEnv,
  processor: SpanProcessor,
): TracerProvider {
  const { field } = TracingConfigSchema;
  const ratio = isFieldSet(config, field.sampleRatio) ? config.sampleRatio : SAMPLE_ALL;
  return new TracerProvider({
    resource: resourceOf(env),
    sampler: createSampler(ratio, keepsErrors(config)),
    spanProcessors: [processor],
    idGenerator: {
      generateTraceId: idMaker(env, TRACE_ID_BYTES),
      generateSpanId: idMaker(env, SPAN_ID_BYTES),
    },
    spanLimits: {
      attributeCountLimit: config.maxAttributes || MAX_ATTRIBUTES,
      attributeValueLengthLimit: config.maxAttributeLength || MAX_TEXT,
    },
  });
}
