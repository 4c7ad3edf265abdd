import { create } from "@bufbuild/protobuf";
import { resolveSecret } from "../config/mod.ts";
import { validate } from "../contracts/mod.ts";
import { type HttpHandler, instruments, sleep } from "../core/mod.ts";
import { CqiError } from "../errors/mod.ts";
import { CqiConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import * as healths from "../health/mod.ts";
import * as logs from "../logging/mod.ts";
import * as metric from "../metrics/mod.ts";
import * as traces from "../tracing/mod.ts";
import { adminRoutes, userRoutes } from "./_http.ts";
import { listenOn } from "./_listen.ts";
import { openParts, requireParts, type Step } from "./_parts.ts";
import { runService } from "./_run.ts";
import { readSettings } from "./_settings.ts";
import { teardown } from "./_teardown.ts";
import { refuseUnsupported } from "./_unsupported.ts";
import type {
  Core,
  OpenOptions,
  PartName,
  ServeOptions,
  Service,
  ServiceConfigInit,
  ServiceServer,
} from "./types.ts";

/**
 * Opens a service: logger, metrics, tracer, health, and the parts that it asked for, each from its
 * section of the configuration. When one cannot be opened, what was opened before it is closed.
 *
 * @param config The configuration; see `config.load`.
 * @param options Parts, drivers, and whatever is to be injected.
 * @throws {CqiError} `CQI_CONTRACT_INVALID` for a configuration that is not valid,
 * `CQI_FEATURE_UNSUPPORTED` for settings that nothing would act on, `CQI_OPTION_INVALID` for a part
 * that is none, `CQI_SERVICE_START` naming the part that could not be opened.
 */
export async function open<P extends PartName = never>(
  config: ServiceConfigInit,
  options: OpenOptions<P> = {},
): Promise<Service<P>> {
  const section = create(CqiConfigSchema, config);
  validate(CqiConfigSchema, section);
  const { drivers = {} } = options;
  const uses = requireParts(options.uses ?? []);
  refuseUnsupported(section, uses);
  const settings = readSettings(section);
  const { name, version, environment, instanceId } = section.service!;
  const identity = { name, version, environment, ...instanceId !== "" && { instanceId } };
  const base = instruments(options);
  const budgetMs = settings.shutdownMs;
  const down = teardown(base.clock);
  let logger = base.logger;

  const failed = (part: string, error: unknown): CqiError => {
    const cause = CqiError.from(error);
    const message = `Cannot start ${name} at its ${part}: ${cause.message}`;
    return new CqiError("CQI_SERVICE_START", message, { cause });
  };
  const step: Step = async (part, start) => {
    try {
      const opened = await start();
      down.add(part, () => opened.close());
      return opened;
    } catch (error) {
      // What does not close is logged; the caller wants to know why the service does not start.
      await down.run(logger, budgetMs).catch(() => {});
      throw failed(part, error);
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
    async () =>
      await healths.open(section.health ?? {}, {
        ...given,
        service: identity,
        ...options.isAuthorized && { isAuthorized: options.isAuthorized },
      }),
  );

  const parts = await openParts(section, uses, {
    given,
    health,
    identity,
    options,
    step,
    trustedProxyHops: settings.trustedProxyHops,
  });

  let serves = false;
  let draining: Promise<void> | undefined;
  const drain = (): Promise<void> =>
    draining ??= (async () => {
      health.draining();
      logger.info("Service stops", { component: "service" });
      if (serves && settings.drainMs > 0) await sleep(given.clock, settings.drainMs);
    })();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closing ??= (async () => {
      const began = given.clock.monotonic();
      await drain();
      await down.run(logger, budgetMs - (given.clock.monotonic() - began));
    })();
  const requireOpen = (action: string): void => {
    if (closing === undefined) return;
    throw new CqiError("CQI_CLOSED", `Cannot ${action} ${name}: the service is closed`);
  };

  const serve = async (
    handler?: HttpHandler,
    { started = true }: ServeOptions = {},
  ): Promise<ServiceServer> => {
    requireOpen("serve");
    const own = userRoutes(given, settings, handler);
    const isApart = settings.adminPort !== undefined;
    const admin = adminRoutes(
      health,
      registry,
      settings,
      isApart ? userRoutes(given, settings) : own,
    );
    let server: ServiceServer;
    try {
      server = await listenOn(drivers.http ?? {}, settings, { http: isApart ? own : admin, admin });
    } catch (error) {
      throw failed("HTTP server", error);
    }
    if (closing !== undefined) await server.close();
    requireOpen("serve");
    down.add("HTTP server", () => server.close());
    serves = true;
    if (started) health.started();
    const { url, adminUrl } = server;
    logger.info("Service listens", { component: "service", url, admin_url: adminUrl });
    return server;
  };

  const core: Core = {
    ...given,
    config: section,
    health,
    registry,
    serve,
    async run(main) {
      requireOpen("run");
      return await runService({ ...given, budgetMs, close, drain: () => void drain() }, main);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return { ...core, ...parts } as unknown as Service<P>;
}
