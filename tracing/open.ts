import { trace, type Tracer as OtelTracer } from "@opentelemetry/api";
import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { type Instruments, instruments, noopTracer, type Tracer } from "../core/mod.ts";
import { TracingConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { requireSection } from "../internal/options.ts";
import { wrapTracer } from "./_tracer.ts";
import type { OpenOptions, OpenTracer, TracingDriver, TracingEnv } from "./types.ts";

/** The section `tracing` of a configuration, as code writes it. */
export type TracingConfigInit = MessageInitShape<typeof TracingConfigSchema>;

/** Name of the instrumentation scope of all spans. */
const SCOPE = "@cq/cqi";

/**
 * Opens a tracer. Without a driver, spans go to whoever has registered a provider with
 * OpenTelemetry, and to nobody if nobody has: a span costs next to nothing then, and the trace of
 * a caller is passed on all the same.
 *
 * @param section The configuration's section `tracing`; `{}` has no driver.
 * @param options Drivers, the service, and what the exporter is watched and driven by.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks a rule,
 * `CQI_TRACING_DRIVER_UNKNOWN` for a driver that is not in the table.
 */
export async function open(
  section: TracingConfigInit = {},
  options: OpenOptions = {},
): Promise<OpenTracer> {
  const config = create(TracingConfigSchema, requireSection("tracing", section));
  validate(TracingConfigSchema, config);
  const field = TracingConfigSchema.field;
  const implied = config.otlp === undefined ? "none" : "otlp";
  const name = isFieldSet(config, field.driver) ? config.driver : implied;
  if (isFieldSet(config, field.enabled) && !config.enabled) return opened(noopTracer, "none");
  const env: TracingEnv = {
    ...instruments(options),
    service: options.service ?? { name: "unknown" },
    resolveSecret: options.resolveSecret,
  };
  if (name === "none") return opened(wrapTracer(trace.getTracer(SCOPE), undefined), name);
  const drivers = options.drivers ?? {};
  const module = await loadDriver("tracing", name, drivers, "CQI_TRACING_DRIVER_UNKNOWN");
  const driver = await module.createDriver(config, env);
  return opened(tracerOf(driver, env), name, driver);
}

function tracerOf(driver: TracingDriver, env: Instruments): Tracer {
  return wrapTracer(driver.provider.getTracer(SCOPE) as OtelTracer, env.clock);
}

function opened(tracer: Tracer, name: string, driver?: TracingDriver): OpenTracer {
  let closing: Promise<void> | undefined;
  const close: OpenTracer["close"] = (options) =>
    closing ??= (async () => await driver?.close(options))();
  return {
    start: tracer.start,
    span: tracer.span,
    driver: name,
    spans: () => driver?.spans?.() ?? [],
    flush: async (options) => await driver?.flush(options),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
