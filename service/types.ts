import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Guard, OpenOptions as AuthOptions } from "../auth/mod.ts";
import type { Bus, BusDriverModule } from "../bus/mod.ts";
import type { Cache, CacheDriverModule } from "../cache/mod.ts";
import type { DriverTable, FetchHandler, HttpHandler, Instruments } from "../core/mod.ts";
import type { Database, DatabaseDriverModule } from "../database/mod.ts";
import type { CqiConfig, CqiConfigSchema } from "../gen/ts/cqc/config/v1/mod.ts";
import type { Health, OpenOptions as HealthOptions } from "../health/mod.ts";
import type { OpenOptions as LoggingOptions } from "../logging/mod.ts";
import type { MetricsDriverModule, MetricsRegistry } from "../metrics/mod.ts";
import type { TracingDriverModule } from "../tracing/mod.ts";

/** What a service may use; a part that is not asked for is neither opened nor typed. */
export interface Parts {
  /** Who calls, from section `auth`; put `app.auth.require("scope")` around what it guards. */
  readonly auth: Guard;
  /** The event bus, from section `event_bus`. */
  readonly bus: Bus;
  /** The database, from section `database`. */
  readonly database: Database;
  /** The cache, from section `cache`. */
  readonly cache: Cache;
}

/** Name of a part. */
export type PartName = keyof Parts;

/** A running HTTP server. */
export interface HttpServer extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Stops taking in, finishes what is under way. Safe to call twice. */
  close(): Promise<void>;
}

/** What a service listens on. */
export interface ServiceServer extends HttpServer {
  /** Where probes and metrics answer: `url`, unless the configuration has an admin port. */
  readonly adminUrl: string;
  /** Closes both. Safe to call twice. */
  close(): Promise<void>;
}

/** How {@linkcode Core.serve} counts for the start of a service. */
export interface ServeOptions {
  /**
   * Whether the start-up work is done once the service listens. False when more must happen before
   * it does its work, such as subscribing: startup and readiness answer 503 until
   * `app.health.started()` is called. @default {true}
   */
  readonly started?: boolean;
}

/** Where and how an HTTP server listens. */
export interface ListenOptions {
  /** Name or address to bind. */
  readonly host: string;
  /** Port; 0 takes a free one. */
  readonly port: number;
}

/** A module that can serve HTTP. */
export interface HttpDriverModule {
  /**
   * Starts to listen; resolves when connections are accepted.
   *
   * @param handler Answers requests.
   * @param options Where to listen.
   */
  serve(handler: FetchHandler, options: ListenOptions): Promise<HttpServer>;
}

/** Drivers of all parts. The root entry point fills them in. */
export interface ServiceDrivers {
  /** Bus drivers by name. */
  readonly bus?: DriverTable<BusDriverModule>;
  /** Cache drivers by name. */
  readonly cache?: DriverTable<CacheDriverModule>;
  /** Database drivers by name. */
  readonly database?: DriverTable<DatabaseDriverModule>;
  /** Metrics drivers by name. */
  readonly metrics?: DriverTable<MetricsDriverModule>;
  /** Tracing drivers by name. */
  readonly tracing?: DriverTable<TracingDriverModule>;
  /** HTTP servers by name; `default` is used. */
  readonly http?: DriverTable<HttpDriverModule>;
}

/** What a service is opened with besides its configuration. */
export interface OpenOptions<P extends PartName> extends Partial<Instruments> {
  /** Parts to open. */
  readonly uses?: readonly P[];
  /** Drivers; merged over those of the entry point. */
  readonly drivers?: ServiceDrivers;
  /**
   * Whether a caller of the probes may see versions, messages and details, where section `health`
   * says `authorized`. @default {nobody may}
   */
  readonly isAuthorized?: HealthOptions["isAuthorized"];
  /** What the part `auth` is opened with besides its section. */
  readonly auth?: Omit<AuthOptions, keyof Instruments>;
  /** Where log lines go. @default {standard output} */
  readonly sink?: LoggingOptions["sink"];
}

/** What every service has. */
export interface Core extends Instruments, AsyncDisposable {
  /** The configuration, valid. */
  readonly config: CqiConfig;
  /** Health of the parts; add your own checks. */
  readonly health: Health;
  /** The metrics as an operator sees them. */
  readonly registry: MetricsRegistry;
  /**
   * Serves the probes and the metrics on their exact paths (`/health`, `/health/live`,
   * `/health/ready`, `/health/startup` and `/metrics` unless the configuration says otherwise), and
   * the handler on all others, with request ids, traces, access log, metrics, problem documents,
   * a deadline (504) and a limit of the body (413) around it.
   *
   * @param handler Answers what is not one of those. @default {404}
   * @param options Whether the service has started with it.
   * @throws {CqiError} `CQI_CLOSED`, or `CQI_SERVICE_START` when it cannot listen.
   */
  serve(handler?: HttpHandler, options?: ServeOptions): Promise<ServiceServer>;
  /**
   * Runs the service: until `main` ends, or SIGTERM or SIGINT asks it to stop, or something that
   * nobody caught. Then readiness turns red, it drains and closes within `server.shutdown_timeout`.
   * A second signal ends the process at once. It does not say that the service has started:
   * `serve` does, or `health.started()`.
   *
   * @param main The work; its signal aborts when it is time to stop. @default {wait for a signal}
   * @returns The exit code: 0, or 1 after a failure.
   * @throws {CqiError} `CQI_CLOSED`.
   */
  run(main?: (options: { readonly signal: AbortSignal }) => Promise<void>): Promise<number>;
  /**
   * Turns readiness red, waits `server.drain_delay` when it serves, and closes everything in reverse
   * order of opening. Safe to call twice.
   *
   * @throws {CqiError} `CQI_SERVICE_STOP` naming what did not close in time.
   */
  close(): Promise<void>;
}

/**
 * A service: what every one has, and the parts it asked for.
 *
 * @typeParam P Names of its parts.
 */
export type Service<P extends PartName> = Core & Pick<Parts, P>;

/** A configuration as it was loaded, or as one writes it in code. */
export type ServiceConfigInit = CqiConfig | MessageInitShape<typeof CqiConfigSchema>;
