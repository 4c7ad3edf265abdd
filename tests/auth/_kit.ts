import assert from "node:assert/strict";
import { type AuthConfigInit, type Guard, open, type OpenOptions } from "../../auth/mod.ts";
import type { LogFields, Logger, LogLevel, Metrics } from "../../core/mod.ts";
import { noopMetrics } from "../../core/mod.ts";
import { isCqiError } from "../../errors/mod.ts";
import { type FakeClock, fakeClock } from "../../testing/fake_clock.ts";
import { type TestIssuer, testIssuer, type TestIssuerOptions } from "../../testing/issuer.ts";

/** A log line as it was given. */
export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. */
export function recordingLogger(lines: Line[], base: LogFields = {}): Logger {
  const log: Logger["log"] = (level, message, fields) => {
    const text = typeof message === "function" ? message() : message;
    const more = typeof fields === "function" ? fields() : fields;
    lines.push({ level, message: text, fields: { ...base, ...more } });
  };
  const at = (level: LogLevel): Logger["info"] => (message, fields) => log(level, message, fields);
  return {
    isEnabled: () => true,
    log,
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: (fields) => recordingLogger(lines, { ...base, ...fields }),
  };
}

/** Metrics that keep counters and gauges by `name{label=value,...}`. */
export function recordingMetrics(values: Map<string, number>): Metrics {
  const series = (key: string) => ({
    add: (by = 1) => void values.set(key, (values.get(key) ?? 0) + by),
    set: (value: number) => void values.set(key, value),
    observe: () => {},
  });
  const family = (options: { name: string }) => ({
    ...series(options.name),
    with: (labels: Readonly<Record<string, string>>) => {
      const text = Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(",");
      return series(`${options.name}{${text}}`);
    },
  });
  return { ...noopMetrics, counter: family, gauge: family } as Metrics;
}

/** What one test of auth works with. */
export interface Kit {
  readonly clock: FakeClock;
  readonly issuer: TestIssuer;
  readonly guard: Guard;
  readonly lines: Line[];
  readonly values: Map<string, number>;
  /** Shows a token. */
  ask(token: string): Promise<string>;
}

/** How a kit differs from the usual. */
export interface KitOptions {
  readonly issuer?: TestIssuerOptions;
  readonly jwt?: Partial<NonNullable<AuthConfigInit["jwt"]>>;
  readonly section?: AuthConfigInit;
  readonly options?: OpenOptions;
  readonly handler?: (issuer: TestIssuer) => NonNullable<OpenOptions["fetch"]>;
}

/** A guard that accepts one issuer's tokens, on a clock that stands still. */
export async function kit(given: KitOptions = {}): Promise<Kit> {
  const clock = fakeClock();
  const issuer = await testIssuer({ clock, ...given.issuer });
  const lines: Line[] = [];
  const values = new Map<string, number>();
  const jwt = { ...issuer.config, ...given.jwt };
  const guard = await open({ jwt, ...given.section } as AuthConfigInit, {
    clock,
    logger: recordingLogger(lines),
    metrics: recordingMetrics(values),
    fetch: given.handler?.(issuer) ?? issuer.handler,
    ...given.options,
  });
  return { clock, issuer, guard, lines, values, ask: (token) => outcome(guard, bearer(token)) };
}

/** A request with a token. */
export function bearer(token: string): Request {
  return new Request("http://localhost/", { headers: { authorization: `Bearer ${token}` } });
}

/** A request with headers. */
export function withHeaders(headers: HeadersInit, url = "http://localhost/"): Request {
  return new Request(url, { headers });
}

/** Who a caller is, or the reason for which it was refused, or the code of another error. */
export async function outcome(
  guard: Guard,
  request: { readonly headers: Headers; readonly url?: string },
): Promise<string> {
  try {
    const auth = await guard.authenticate(request);
    return auth.principal?.principalId ?? "nobody";
  } catch (error) {
    assert(isCqiError(error), "not an error of ours");
    const { reason } = error.details;
    return error.code === "CQI_UNAUTHENTICATED" ? String(reason) : error.code;
  }
}

/** Text as base64url. */
export function encode(text: string): string {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a token's part says. */
export function decode(part: string): Record<string, unknown> {
  return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
}
