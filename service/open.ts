import { clone, create, isFieldSet } from "@bufbuild/protobuf";
import * as buses from "../bus/mod.ts";
import * as caches from "../cache/mod.ts";
import { resolveSecret } from "../config/mod.ts";
import { validate } from "../contracts/mod.ts";
import { durationMs, type FetchHandler, type HttpHandler, instruments } from "../core/mod.ts";
import * as databases from "../database/mod.ts";
import { CqiError } from "../errors/mod.ts";
import {
  type CacheConfig,
  CacheConfigSchema,
  CqiConfigSchema,
} from "../gen/ts/cqc/config/v1/mod.ts";
import { ComponentKind } from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import * as healths from "../health/mod.ts";
import { loadDriver } from "../internal/load_driver.ts";
import * as logs from "../logging/mod.ts";
import * as metric from "../metrics/mod.ts";
import * as traces from "../tracing/mod.ts";
import { routes } from "./_http.ts";
import { teardown } from "./_teardown.ts";
import { runService } from "./_run.ts";
import type {
  HttpServer,
  ListenOptions,
  OpenOptions,
  PartName,
  Parts,
  Service,
  ServiceConfigInit,
} from "./types.ts";

/**
 * Opens a service: logger, metrics, tracer, health, and the parts that it asked for, each from its
 * section of the configuration. When one cannot be opened, what was opened before it is closed.
 *
 * @param config The configuration; see `config.load`.
 * @param options Parts, drivers, and whatever is to be injected.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a configuration that is not valid,
 * `CQI_SERVICE_START` naming the part that could not be opened.
 */
export async function open<P extends PartName = never>(
  config: ServiceConfigInit,
  options: OpenOptions<P> = {},
): Promise<Service<P>> {
  const section = create(CqiConfigSchema, config);
  validate(CqiConfigSchema, section);
  const { drivers = {}, uses = [] } = options;
  const { name, version, environment, instanceId } = section.service!;
  const identity = { name, version, environment, ...instanceId !== "" && { instanceId } };
  const base = instruments(options);
  const budgetMs = durationMs(section.server?.shutdownTimeout, 30_000);
  const down = teardown(base.clock, budgetMs);
  let logger = base.logger;

  const step = async <T extends { close(): Promise<void> }>(
    part: string,
    start: () => Promise<T>,
  ): Promise<T> => {
    try {
      const opened = await start();
      down.add(part, () => opened.close());
      return opened;
    } catch (error) {
      await down.run(logger).catch(() => {});
      const cause = CqiError.from(error);
      throw new CqiError(
        "CQI_SERVICE_START",
        `Cannot start ${name} at its ${part}: ${cause.message}`,
        { cause },
      );
    }
  };

  const registry = await step(
    "metrics",
    () =>
      metric.open(section.metrics, { ...base, ...drivers.metrics && { drivers: drivers.metrics } }),
  );
  const metrics = options.metrics ?? registry;
  if (options.logger === undefined) {
    logger = await step("logging", () =>
      logs.open(section.log, {
        service: identity,
        clock: base.clock,
        metrics,
        ...options.sink && { sink: options.sink },
      }));
  }
  down.add(
    "the log",
    () => Promise.resolve(logger.info("Service stopped", { component: "service" })),
  );
  const tracer = options.tracer ?? await step("tracing", () =>
    traces.open(section.tracing, {
      ...base,
      logger,
      metrics,
      service: identity,
      resolveSecret: (ref) => resolveSecret(ref),
      ...drivers.tracing && { drivers: drivers.tracing },
    }));
  const given = { ...base, logger, metrics, tracer };
  const health = await step(
    "health",
    async () => await healths.open(section.health ?? {}, { ...given, service: identity }),
  );

  const parts: { -readonly [K in PartName]?: Parts[K] } = {};
  const wanted = new Set<string>(uses);
  if (wanted.has("database")) {
    const database = await step("database", () =>
      databases.open(section.database, {
        ...given,
        ...drivers.database && { drivers: drivers.database },
      }));
    health.add("database", database, { kind: ComponentKind.DATABASE });
    parts.database = database;
  }
  if (wanted.has("cache")) {
    const cache = await step(
      "cache",
      () =>
        // Services share a Redis: without a prefix of its own each would find the others' values.
        caches.open(withPrefix(section.cache, name), {
          ...given,
          ...drivers.cache && { drivers: drivers.cache },
        }),
    );
    // A service without its cache is slower, not down.
    health.add("cache", cache, { kind: ComponentKind.CACHE, critical: false });
    parts.cache = cache;
  }
  if (wanted.has("bus")) {
    const bus = await step("bus", () =>
      buses.open(section.eventBus, {
        ...given,
        service: identity,
        ...drivers.bus && { drivers: drivers.bus },
      }));
    health.add("bus", bus, { kind: ComponentKind.EVENT_BUS });
    parts.bus = bus;
  }

  const listen = async (handler: FetchHandler, at: ListenOptions): Promise<HttpServer> => {
    const http = await loadDriver(
      "HTTP server",
      "default",
      drivers.http ?? {},
      "CQI_DRIVER_UNKNOWN",
    );
    return await step("HTTP server", () => http.serve(handler, at));
  };

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      health.draining();
      logger.info("Service stops", { component: "service" });
      await down.run(logger);
    })();
    return closing;
  };

  const core = {
    ...given,
    config: section,
    health,
    registry,
    async serve(handler?: HttpHandler): Promise<HttpServer> {
      const host = section.server?.host || "0.0.0.0";
      const admin = section.server?.adminPort;
      const apart = admin !== undefined && Object.hasOwn(section.server!, "adminPort");
      if (apart) {
        await listen(routes(given, health, registry, { admin: true }), { host, port: admin });
      }
      const port = section.server?.httpPort ?? 8080;
      const server = await listen(routes(given, health, registry, { handler, admin: !apart }), {
        host,
        port,
      });
      health.started();
      logger.info("Service listens", { component: "service", url: server.url });
      return server;
    },
    run: (main?: (options: { readonly signal: AbortSignal }) => Promise<void>) =>
      runService({ ...given, budgetMs, close, started: () => health.started() }, main),
    close,
    [Symbol.asyncDispose]: close,
  };
  return { ...core, ...parts } as unknown as Service<P>;
}

function withPrefix(section: CacheConfig | undefined, name: string): CacheConfig {
  const own = section === undefined ? create(CacheConfigSchema) : clone(CacheConfigSchema, section);
  if (!isFieldSet(own, CacheConfigSchema.field.keyPrefix)) own.keyPrefix = name;
  return own;
}
