import { create, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { validate } from "../contracts/mod.ts";
import { instruments, type Logger, noopMetrics } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { type MetricsConfig, MetricsConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import { requireSection } from "../internal/options.ts";
import { formatFor } from "./_accept.ts";
import { Registry } from "./_registry.ts";
import { measureRuntime } from "./_runtime.ts";
import type { Exposition, MetricsDriver, MetricsRegistry, OpenOptions } from "./types.ts";

/** The section `metrics` of a configuration, as code writes it. */
export type MetricsConfigInit = MessageInitShape<typeof MetricsConfigSchema>;

const DEFAULT_DRIVER = "prometheus";
const DEFAULT_NAMESPACE = "cqi";
const DEFAULT_MAX_SERIES = 1000;
// Seconds; those of the Prometheus clients.
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Opens metrics.
 *
 * @param section The configuration's section `metrics`; `{}` is the driver `prometheus` with the
 * namespace `cqi`, 1,000 series a metric and the runtime's own metrics.
 * @param options Drivers, logger, clock.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a section that breaks a rule,
 * `CQI_METRICS_DRIVER_UNKNOWN` for a driver that is not in the table.
 */
export async function open(
  section: MetricsConfigInit = {},
  options: OpenOptions = {},
): Promise<MetricsRegistry> {
  const config = create(MetricsConfigSchema, requireSection("metrics", section));
  validate(MetricsConfigSchema, config);
  const field = MetricsConfigSchema.field;
  const isSet = (name: keyof typeof field): boolean => isFieldSet(config, field[name]);
  if (isSet("enabled") && !config.enabled) return disabled();
  requireAscending(config.defaultBuckets);
  const env = instruments(options);
  const driver = await (await loadDriver(
    "metrics",
    isSet("driver") ? config.driver : DEFAULT_DRIVER,
    options.drivers ?? {},
    "CQI_METRICS_DRIVER_UNKNOWN",
  )).createDriver(config, env);
  const registry = new Registry(driver, {
    clock: env.clock,
    logger: env.logger,
    namespace: isSet("namespace") ? config.namespace : DEFAULT_NAMESPACE,
    maxSeries: isSet("maxSeriesPerMetric") ? config.maxSeriesPerMetric : DEFAULT_MAX_SERIES,
    exemplars: !isSet("exemplars") || config.exemplars,
    buckets: config.defaultBuckets.length > 0 ? config.defaultBuckets : DEFAULT_BUCKETS,
    commonLabels: Object.keys(config.labels),
  });
  const wantsRuntime = !isSet("runtimeMetrics") || config.runtimeMetrics;
  const stop = wantsRuntime ? await measureRuntime(registry, env.clock) : () => {};
  return openRegistry(registry, driver, env.logger, stop);
}

function requireAscending(buckets: MetricsConfig["defaultBuckets"]): void {
  if (buckets.every((bound, i) => i === 0 || bound > buckets[i - 1]!)) return;
  throw new CqiError(
    "CQI_OPTION_INVALID",
    "Cannot use option 'metrics.default_buckets': it must be strictly ascending",
  );
}

function openRegistry(
  registry: Registry,
  driver: MetricsDriver,
  logger: Logger,
  stop: () => void,
): MetricsRegistry {
  const expose = async (accept?: string | null): Promise<Exposition> => {
    await registry.collect();
    return await driver.expose(formatFor(accept));
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= (async () => {
      stop();
      await driver.close();
    })();
  return {
    counter: registry.counter,
    gauge: registry.gauge,
    histogram: registry.histogram,
    onCollect: registry.onCollect,
    expose,
    handler: (request) => answer(request, expose, logger),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answer(
  request: Request,
  expose: (accept: string | null) => Promise<Exposition>,
  logger: Logger,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  try {
    const { contentType, body } = await expose(request.headers.get("accept"));
    const headers = { "content-type": contentType, "cache-control": "no-store" };
    return new Response(request.method === "HEAD" ? null : body, { headers });
  } catch (error) {
    logger.error("Cannot expose metrics", { component: "metrics", error });
    return new Response(null, { status: 500 });
  }
}

/** Metrics that are switched off: nothing is kept, and a scraper finds nothing. */
function disabled(): MetricsRegistry {
  const nothing = { contentType: TEXT, body: "" };
  return {
    ...noopMetrics,
    expose: () => Promise.resolve(nothing),
    handler: () => Promise.resolve(new Response(null, { status: 404 })),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
