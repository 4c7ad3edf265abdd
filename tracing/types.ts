import type {
  Attributes,
  DriverTable,
  Instruments,
  Secret,
  SpanContext,
  SpanKind,
  Tracer,
  WaitOptions,
} from "../core/mod.ts";
import type { SecretRef, TracingConfig } from "../gen/ts/cqc/config/v1/mod.ts";

/** Whose spans they are. */
export interface TracingService {
  /** Name of the service. */
  readonly name: string;
  /** Version of the build. */
  readonly version?: string | undefined;
  /** For example `production`. */
  readonly environment?: string | undefined;
  /** Which of several running copies. */
  readonly instanceId?: string | undefined;
}

/** Finds the secret that a reference in the configuration points at. */
export type ResolveSecret = (ref: SecretRef) => string | Secret | Promise<string | Secret>;

/** What tracing is opened with, besides its configuration. */
export interface OpenOptions extends Partial<Instruments> {
  /** Known drivers by name. */
  readonly drivers?: DriverTable<TracingDriverModule>;
  /** Whose spans they are. @default {{ name: "unknown" }} */
  readonly service?: TracingService;
  /** Finds secrets that the configuration refers to, such as headers for a collector. */
  readonly resolveSecret?: ResolveSecret;
}

/** What a driver is made with. */
export interface TracingEnv extends Instruments {
  /** Whose spans they are. */
  readonly service: TracingService;
  /** Finds secrets; undefined when nobody can. */
  readonly resolveSecret: ResolveSecret | undefined;
}

/** A moment within a span. */
export interface FinishedEvent {
  /** What happened. */
  readonly name: string;
  /** When, Unix milliseconds. */
  readonly timeMs: number;
  /** What else is known. */
  readonly attributes: Attributes;
}

/** A span that has ended. */
export interface FinishedSpan {
  /** Its name. */
  readonly name: string;
  /** Its part in a call. */
  readonly kind: SpanKind;
  /** What identifies it. */
  readonly context: SpanContext;
  /** Id of the span that it is part of; undefined for the first of a trace. */
  readonly parentSpanId: string | undefined;
  /** Start, Unix milliseconds. */
  readonly startMs: number;
  /** End, Unix milliseconds. */
  readonly endMs: number;
  /** What is known of it. */
  readonly attributes: Attributes;
  /** Moments within it, in order. */
  readonly events: readonly FinishedEvent[];
  /** Other spans that it came from. */
  readonly links: readonly SpanContext[];
  /** Whether it failed. */
  readonly failed: boolean;
  /** Why it failed. */
  readonly failure: string | undefined;
}

/** Any provider of OpenTelemetry tracers (`@opentelemetry/api` 1.x). */
export interface TracerProviderLike {
  /**
   * A tracer.
   *
   * @param name Name of the library that makes the spans.
   * @param version Its version.
   */
  getTracer(name: string, version?: string): object;
}

/** Makes spans and sends them away. */
export interface TracingDriver {
  /** Makes the tracers. */
  readonly provider: TracerProviderLike;
  /** The finished spans that the driver keeps, oldest first. Absent: it keeps none. */
  spans?(): readonly FinishedSpan[];
  /**
   * Resolves when all spans that have ended so far are sent, or dropped.
   *
   * @param options A signal that ends the wait.
   */
  flush(options?: WaitOptions): Promise<void>;
  /**
   * Flushes and lets go of what it holds; what is not sent by then is dropped. Idempotent.
   *
   * @param options A signal that ends the flush.
   */
  close(options?: WaitOptions): Promise<void>;
}

/** A module that makes a driver. */
export interface TracingDriverModule {
  /**
   * Makes the driver. Connects to nothing: a collector that is not there must not keep a service
   * from starting.
   *
   * @param config The whole section, checked.
   * @param env Instruments, the service, and what finds secrets.
   */
  createDriver(config: TracingConfig, env: TracingEnv): TracingDriver | Promise<TracingDriver>;
}

/** A tracer that was opened, and is closed by who opened it. */
export interface OpenTracer extends Tracer, AsyncDisposable {
  /** Name of its driver; `none` for OpenTelemetry's global provider. */
  readonly driver: string;
  /** The finished spans that the driver keeps, oldest first; only `memory` keeps any. */
  spans(): readonly FinishedSpan[];
  /**
   * Resolves when all spans that have ended so far are sent, or dropped.
   *
   * @param options A signal that ends the wait.
   */
  flush(options?: WaitOptions): Promise<void>;
  /**
   * Flushes and lets go of the driver. Idempotent.
   *
   * @param options A signal that ends the flush.
   */
  close(options?: WaitOptions): Promise<void>;
}
