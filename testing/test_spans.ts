import {
  ACTIVE_SPAN,
  activeContext,
  activeSpan,
  type Attributes,
  runInContext,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type Tracer,
} from "../core/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { isEqual, show } from "./_compare.ts";

/** A span that was started. */
export interface TestSpan {
  /** Its name. */
  readonly name: string;
  /** Its part in a call. */
  readonly kind: SpanKind;
  /** What identifies it. */
  readonly context: SpanContext;
  /** Id of the span that it is part of; undefined for the first of a trace. */
  readonly parentSpanId: string | undefined;
  /** What is known of it. */
  readonly attributes: Attributes;
  /** Names and attributes of its events, in order. */
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** Other spans that it came from. */
  readonly links: readonly SpanContext[];
  /** Message of the error that it failed with; undefined when it did not fail. */
  readonly failure: string | undefined;
  /** Whether it has ended. */
  readonly ended: boolean;
}

/** What a span is expected to be; what is left out may be anything, save children. */
export interface ExpectedSpan {
  /** Its name, or a pattern in it. */
  readonly name: string | RegExp;
  /** Its part in a call. */
  readonly kind?: SpanKind;
  /** Attributes that it must have. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Names of all its events, in order. */
  readonly events?: readonly string[];
  /** The spans that it links to, or how many. */
  readonly links?: readonly SpanContext[] | number;
  /** Whether it failed. */
  readonly failed?: boolean;
  /** Its children in the order they started: these, and no others. @default {none} */
  readonly children?: readonly ExpectedSpan[];
}

/** A tracer that keeps all spans. */
export interface TestTracer extends Tracer {
  /** All spans so far, in the order they started. */
  readonly spans: readonly TestSpan[];
  /**
   * Checks that a trace has this shape, down to the last span, all of them ended.
   *
   * @param expected The first span of the trace.
   * @throws {Error} When there is no such trace; its message shows those that there are.
   */
  expectTrace(expected: ExpectedSpan): void;
  /** Forgets all spans. */
  clear(): void;
}

type Mutable = { -readonly [K in keyof TestSpan]: TestSpan[K] };

const SAMPLED = 1;

function fits(span: TestSpan, expected: ExpectedSpan, all: readonly TestSpan[]): boolean {
  const { name, kind, attributes = {}, events, links, failed, children = [] } = expected;
  const actual = childrenOf(span, all);
  const names = span.events.map((event) => event.name);
  return isEqual(span.name, name) && span.ended &&
    (kind === undefined || span.kind === kind) &&
    (failed === undefined || (span.failure !== undefined) === failed) &&
    (events === undefined || isEqual(names, events)) &&
    (links === undefined ||
      isEqual(typeof links === "number" ? span.links.length : span.links, links)) &&
    Object.entries(attributes).every(([key, value]) => isEqual(span.attributes[key], value)) &&
    actual.length === children.length &&
    children.every((child, i) => fits(actual[i]!, child, all));
}

function childrenOf(span: TestSpan, all: readonly TestSpan[]): readonly TestSpan[] {
  const { traceId, spanId } = span.context;
  return all.filter((other) => other.parentSpanId === spanId && other.context.traceId === traceId);
}

function isRoot(span: TestSpan, all: readonly TestSpan[]): boolean {
  return !all.some((other) => other.context.spanId === span.parentSpanId);
}

function draw(span: TestSpan, all: readonly TestSpan[], depth = 1): string {
  const events = span.events.length === 0 ? "" : ` events ${show(span.events.map((e) => e.name))}`;
  const links = span.links.length === 0 ? "" : ` links ${span.links.length}`;
  const state = (span.failure === undefined ? "" : ` failed: ${span.failure}`) +
    (span.ended ? "" : " not ended");
  const own = `${"  ".repeat(depth)}${span.name} (${span.kind}) ${show(span.attributes)}`;
  const below = childrenOf(span, all).map((child) => draw(child, all, depth + 1));
  return [own + events + links + state, ...below].join("\n");
}

function startSpan(spans: Mutable[], name: string, options: SpanOptions, id: number): Span {
  const parent = options.parent === undefined ? activeSpan() : options.parent ?? undefined;
  const spanId = id.toString(16).padStart(16, "0");
  const kept: Mutable = {
    name,
    kind: options.kind ?? "internal",
    context: {
      traceId: parent?.traceId ?? spanId.padStart(32, "0"),
      spanId,
      traceFlags: parent?.traceFlags ?? SAMPLED,
    },
    parentSpanId: parent?.spanId,
    attributes: { ...options.attributes },
    events: [],
    links: [...options.links ?? []],
    failure: undefined,
    ended: false,
  };
  spans.push(kept);
  const change = (apply: () => void): void => {
    if (!kept.ended) apply();
  };
  return {
    context: kept.context,
    set: (more) => change(() => kept.attributes = { ...kept.attributes, ...more }),
    event: (event, attributes = {}) =>
      change(() => kept.events = [...kept.events, { name: event, attributes }]),
    fail: (error) => change(() => kept.failure = messageOf(error)),
    end: () => change(() => kept.ended = true),
  };
}

/** Runs work in a span, as a real tracer does. */
function runIn<T>(span: Span, fn: (span: Span) => T): T {
  const failed = (error: unknown): never => {
    span.fail(error);
    span.end();
    throw error;
  };
  const done = <V>(value: V): V => {
    span.end();
    return value;
  };
  const context = activeContext().with(ACTIVE_SPAN, span.context);
  try {
    const result = runInContext(context, () => fn(span));
    return result instanceof Promise ? result.then(done, failed) as T : done(result);
  } catch (error) {
    return failed(error);
  }
}

/**
 * Makes a tracer for tests. Ids are counted up, every span is kept.
 *
 * @example
 * ```ts
 * import { testTracer } from "@cq/cqi/testing";
 * import assert from "node:assert/strict";
 *
 * const tracer = testTracer();
 * await tracer.span("rebalance", {}, async () => {
 *   await tracer.span("place order", { kind: "client" }, async () => {});
 * });
 * tracer.expectTrace({
 *   name: "rebalance",
 *   children: [{ name: "place order", kind: "client" }],
 * });
 * assert.throws(() => tracer.expectTrace({ name: "rebalance" }), /place order \(client\)/);
 * ```
 */
export function testTracer(): TestTracer {
  const spans: Mutable[] = [];
  let count = 0;
  const start: Tracer["start"] = (name, options = {}) => startSpan(spans, name, options, ++count);
  return {
    start,
    span: (name, options, fn) => runIn(start(name, options), fn),
    spans,
    expectTrace(expected) {
      const roots = spans.filter((span) => isRoot(span, spans));
      if (roots.some((root) => fits(root, expected, spans))) return;
      const drawn = roots.map((root) => draw(root, spans)).join("\n");
      throw new Error(
        `Expected a trace like ${show(expected)}, but ` +
          (drawn === "" ? "there are no spans" : `there are these:\n${drawn}`),
      );
    },
    clear: () => void (spans.length = 0),
  };
}
