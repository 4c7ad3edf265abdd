import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Checkable,
  durationMs,
  type FetchHandler,
  type Gauge,
  type HealthStatus,
  type Instruments,
  instruments,
  type Logger,
  toMilliseconds,
  withDeadline,
} from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { HealthConfig } from "../gen/ts/cqc/config/v1/mod.ts";
import {
  type ComponentHealth,
  ComponentKind,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  ProbeType,
  ServiceStatus,
} from "../gen/ts/cqc/infrastructure/v1/mod.ts";
import { refuse, requireInteger, requireNumber } from "../internal/options.ts";
import { beatHealth, componentHealth, STATUS_OF } from "./_answer.ts";
import { Beats } from "./_beats.ts";
import { Component, type ComponentState } from "./_component.ts";
import { EventLoopMonitor } from "./_event_loop.ts";
import { createHandler } from "./_handler.ts";
import type {
  BeatOptions,
  ComponentOptions,
  Health,
  HealthBeat,
  HealthCheck,
  HealthService,
  OpenOptions,
  ReportOptions,
} from "./types.ts";

// Also the value of a metric's label.
const NAME_REGEXP = /^[a-z][a-z0-9_.-]{0,63}$/;
const MAX_COMPONENTS = 100;
// How long an answer waits for a slow check whose last result is recent: probes want an answer.
const PATIENCE_MS = 50;
const GAUGE: Readonly<Record<HealthStatus, number>> = { ok: 1, degraded: 0.5, down: 0 };

/** The one implementation of {@linkcode Health}. */
export class DefaultHealth implements Health {
  readonly handler: FetchHandler;
  readonly #service: HealthService;
  readonly #env: Instruments;
  readonly #logger: Logger;
  readonly #config: HealthConfig;
  readonly #timeoutMs: number;
  readonly #components = new Map<string, Component>();
  readonly #beats: Beats;
  readonly #loop: EventLoopMonitor;
  readonly #watchesLoop: boolean;
  readonly #listeners = new Set<(status: HealthStatus) => void>();
  readonly #gauge: (component: string) => Gauge;
  readonly #closing = new AbortController();
  readonly #stopCollect: () => void;
  #startedAt: number | undefined;
  #draining = false;
  #announced: HealthStatus | undefined;

  constructor(config: HealthConfig, options: OpenOptions) {
    this.#service = options.service;
    this.#env = instruments(options);
    this.#config = config;
    this.#logger = this.#env.logger.child({ component: "health" });
    this.#timeoutMs = durationMs(config.checkTimeout, 2000);
    this.#beats = new Beats(this.#env.clock);
    this.#loop = new EventLoopMonitor(this.#env.clock, durationMs(config.maxEventLoopLag, 10_000));
    this.#watchesLoop = options.watchEventLoop ?? true;
    const gauge = this.#env.metrics.gauge({
      name: "health_status",
      help: "Health of a component: 1 healthy, 0.5 degraded, 0 down.",
      labels: ["component"],
    });
    this.#gauge = (component) => gauge.with({ component });
    // Does not wait: a scrape must not hang on a dependency, and the next one sees the result.
    this.#stopCollect = this.#env.metrics.onCollect(() => {
      for (const component of this.#components.values()) component.refresh();
    });
    this.handler = createHandler({
      path: config.path || "/health",
      details: (config.details || "authorized") as "never" | "authorized" | "always",
      isAuthorized: (request) => this.#isAuthorized(options.isAuthorized, request),
      report: (probe) => this.report({ probe }),
    });
  }

  add(
    name: string,
    check: Checkable | HealthCheck,
    options: ComponentOptions = {},
  ): () => void {
    requireName(name);
    if (this.#components.has(name)) refuse("name", name, "a name that no other component has");
    if (this.#components.size >= MAX_COMPONENTS) {
      refuse("name", name, `one of ${MAX_COMPONENTS} components at most`);
    }
    const { kind = ComponentKind.OTHER, critical = true, timeout } = options;
    const timeoutMs = timeout === undefined ? this.#timeoutMs : toMilliseconds("timeout", timeout);
    const failureThreshold = options.failureThreshold ?? (this.#config.failureThreshold || 1);
    const component = new Component(
      {
        name,
        kind,
        critical,
        check: typeof check === "function" ? check : (wait) => check.check(wait),
        timeoutMs: requireNumber("timeout", timeoutMs, 1, 60_000),
        cacheMs: durationMs(this.#config.cacheTtl, 1000),
        failureThreshold: requireInteger("failureThreshold", failureThreshold, 1, 100),
        successThreshold: this.#config.successThreshold || 1,
      },
      this.#env.clock,
      this.#closing.signal,
      (state, previous) => this.#onState(name, state, previous),
    );
    this.#components.set(name, component);
    return () => void (this.#components.get(name) === component && this.#components.delete(name));
  }

  beat(name: string, options: BeatOptions): HealthBeat {
    requireName(name);
    return this.#beats.add(name, options);
  }

  started(): void {
    if (this.#startedAt !== undefined || this.#closing.signal.aborted) return;
    this.#startedAt = this.#env.clock.monotonic();
    if (this.#watchesLoop) this.#loop.start();
  }

  draining(): void {
    this.#draining = true;
    this.#announce();
  }

  async report(options: ReportOptions = {}): Promise<HealthCheckResponse> {
    const { probe = ProbeType.READINESS, signal } = options;
    signal?.throwIfAborted();
    if (probe === ProbeType.LIVENESS) return this.#liveness();
    if (probe === ProbeType.STARTUP) {
      const isUp = this.#startedAt !== undefined;
      return this.#answer(isUp ? ServiceStatus.HEALTHY : ServiceStatus.STARTING, []);
    }
    const components = [...this.#components.values()];
    await Promise.all(components.map((component) => this.#fresh(component, signal)));
    const found = components.map(componentHealth).filter((one) => one !== undefined);
    return this.#answer(this.#readiness(), found);
  }

  onChange(listener: (status: HealthStatus) => void): () => void {
    // Wrapped, so that one function that is given twice is two listeners.
    const entry = (status: HealthStatus): void => listener(status);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): Promise<void> {
    this.#draining = true;
    this.#closing.abort();
    this.#loop.stop();
    this.#stopCollect();
    this.#listeners.clear();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(status: ServiceStatus, components: ComponentHealth[]): HealthCheckResponse {
    const { clock } = this.#env;
    const { name, version, instanceId } = this.#service;
    const uptimeMs = this.#startedAt === undefined
      ? undefined
      : clock.monotonic() - this.#startedAt;
    return create(HealthCheckResponseSchema, {
      status,
      serviceName: name,
      serviceVersion: version,
      ...(instanceId === undefined ? {} : { instanceId }),
      components,
      ...(uptimeMs === undefined ? {} : { uptime: durationFromMs(Math.round(uptimeMs)) }),
      checkedAt: timestampFromMs(Math.round(clock.now())),
    });
  }

  #liveness(): HealthCheckResponse {
    const beats = this.#beats.states();
    const isDead = this.#loop.blocked || beats.some(({ alive }) => !alive);
    // A service that ends lets its loops end; being killed for it would cut the draining short.
    const status = isDead && !this.#draining ? ServiceStatus.UNHEALTHY : ServiceStatus.HEALTHY;
    return this.#answer(status, this.#draining ? [] : beats.map(beatHealth));
  }

  #readiness(): ServiceStatus {
    if (this.#draining) return ServiceStatus.STOPPING;
    return this.#startedAt === undefined ? ServiceStatus.STARTING : STATUS_OF[this.#worst()];
  }

  #worst(): HealthStatus {
    const states = [...this.#components.values()].map(({ settings, state }) => {
      return { critical: settings.critical, status: state?.status ?? "down" };
    });
    if (states.some(({ critical, status }) => critical && status === "down")) return "down";
    return states.some(({ status }) => status !== "ok") ? "degraded" : "ok";
  }

  async #fresh(component: Component, signal: AbortSignal | undefined): Promise<void> {
    const { cacheMs, timeoutMs } = component.settings;
    const isRecent = component.age <= cacheMs + 2 * timeoutMs;
    const flight = component.refresh();
    const limitMs = isRecent ? PATIENCE_MS : Infinity;
    try {
      await withDeadline(this.#env.clock, limitMs, () => flight, { signal });
    } catch (error) {
      // Patience is over: the recent result serves, and the check goes on.
      signal?.throwIfAborted();
      if (!isRecent) throw error;
    }
  }

  async #isAuthorized(ask: OpenOptions["isAuthorized"], request: Request): Promise<boolean> {
    if (ask === undefined) return false;
    try {
      return await withDeadline(this.#env.clock, this.#timeoutMs, () => ask(request)) === true;
    } catch {
      // Callers without credentials come here on each probe; the guard has logged them.
      return false;
    }
  }

  #onState(name: string, state: ComponentState, previous: ComponentState | undefined): void {
    if (!this.#components.has(name)) return;
    this.#gauge(name).set(GAUGE[state.status]);
    if (state.status !== (previous?.status ?? "ok")) {
      const level = state.status === "ok" ? "info" : "warn";
      const { status, message, failures } = state;
      this.#logger.log(level, "Component changed its health", {
        name,
        status,
        previous: previous?.status,
        reason: message,
        failures,
      });
    }
    this.#announce();
  }

  #announce(): void {
    // The first round is under way: what is not known yet is not down.
    const isKnown = [...this.#components.values()].every(({ state }) => state !== undefined);
    if (!isKnown && !this.#draining) return;
    const status = this.#draining ? "down" : this.#worst();
    if (status === this.#announced) return;
    this.#announced = status;
    for (const listener of this.#listeners) {
      try {
        listener(status);
      } catch (error) {
        this.#logger.error("Listener of health failed", { reason: messageOf(error) });
      }
    }
  }
}

function requireName(name: string): void {
  if (!NAME_REGEXP.test(name)) {
    refuse("name", name, "a lower-case name of at most 64 letters, digits, '_', '.' and '-'");
  }
}
