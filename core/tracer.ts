import { activeContext, type ContextKey, contextKey } from "./context.ts";

/** What identifies a span across processes (W3C Trace Context, section 3.2). */
export interface SpanContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly traceFlags: number;
  /** The `tracestate` header as it came; absent when there was none. */
  readonly traceState?: string | undefined;
}

/** What a span's attribute may be. */
export type AttributeValue = string | number | boolean | readonly string[];

/** Attributes by name; undefined values are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** The part that a span plays in a call, as OpenTelemetry names it. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

/** How a span starts. */
export interface SpanOptions {
  /** The part it plays. @default {"internal"} */
  readonly kind?: SpanKind;
  /** Attributes, by OpenTelemetry's semantic conventions where they have a name. */
  readonly attributes?: Attributes;
  /** Other spans that this one came from. */
  readonly links?: readonly SpanContext[];
  /** The parent; `null` starts a new trace. @default {the active span} */
  readonly parent?: SpanContext | null | undefined;
}

/** One timed piece of work. */
export interface Span {
  /** What identifies it. */
  readonly context: SpanContext;
  /**
   * Adds attributes.
   *
   * @param attributes Same names overwrite.
   */
  set(attributes: Attributes): void;
  /**
   * Marks a moment.
   *
   * @param name What happened.
   * @param attributes What else is known.
   */
  event(name: string, attributes?: Attributes): void;
  /**
   * Marks the span as failed.
   *
   * @param error What was caught.
   */
  fail(error: unknown): void;
  /** Ends it. Later calls do nothing. */
  end(): void;
}

/** Makes spans. */
export interface Tracer {
  /**
   * Starts a span that the caller ends.
   *
   * @param name Low in variety: an operation, not an id.
   * @param options Kind, attributes, parent, links.
   */
  start(name: string, options?: SpanOptions): Span;
  /**
   * Runs a function inside a span: the span is active in it and all it awaits, is marked failed by
   * what it throws, and ends with it.
   *
   * @param name Low in variety: an operation, not an id.
   * @param options Kind, attributes, parent, links.
   * @param fn The work.
   */
  span<T>(name: string, options: SpanOptions, fn: (span: Span) => T): T;
}

/** The span that is active in a context. */
export const ACTIVE_SPAN: ContextKey<SpanContext> = contextKey<SpanContext>("active span");

/** The active span of the work that is running, or undefined. */
export function activeSpan(): SpanContext | undefined {
  return activeContext().get(ACTIVE_SPAN);
}

const noopSpan = (context: SpanContext): Span => ({
  context,
  set() {},
  event() {},
  fail() {},
  end() {},
});
const NO_SPAN: Span = noopSpan({
  traceId: "00000000000000000000000000000000",
  spanId: "0000000000000000",
  traceFlags: 0,
});

/**
 * A tracer that records nothing: the default of everything that takes one. It hands a given or
 * active parent on, so a trace that passes through is not cut.
 */
export const noopTracer: Tracer = {
  start(_name, options = {}) {
    const parent = options.parent === undefined ? activeSpan() : options.parent;
    return parent ? noopSpan(parent) : NO_SPAN;
  },
  span: (name, options, fn) => fn(noopTracer.start(name, options)),
};
