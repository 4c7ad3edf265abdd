// Lines for people at a terminal, made from the JSON line, so that nothing is shown that the line
// would not hold.

interface Entry {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly component?: string;
  readonly error?: { readonly type: string; readonly message: string; readonly stack?: string };
  readonly attributes?: Readonly<Record<string, unknown>>;
}

// Already known to who looks at the terminal, or shown in a place of its own.
const HIDDEN = new Set([
  "timestamp",
  "level",
  "message",
  "component",
  "error",
  "attributes",
  "service_name",
  "service_version",
  "environment",
  "instance_id",
  "span_id",
  "trace_flags",
]);
// ANSI SGR codes: grey, cyan, green, yellow, red, white on red.
const COLORS: Readonly<Record<string, string>> = {
  trace: "90",
  debug: "36",
  info: "32",
  warn: "33",
  error: "31",
  fatal: "97;41",
};
const LEVEL_WIDTH = 5;
// A terminal acts on these: C0 (save tab and line feed), DEL, C1 and direction marks.
// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROL_REGEXP = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const PLAIN_REGEXP = /^[\w.:/@+-]+$/;

const harmless = (text: string): string =>
  text.replace(CONTROL_REGEXP, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

function valueText(value: unknown): string {
  const text = typeof value === "string" && PLAIN_REGEXP.test(value)
    ? value
    : JSON.stringify(value);
  return harmless(text);
}

/**
 * A line for people.
 *
 * @param line The JSON line.
 * @param hasColors Whether to colour it.
 */
export function prettyLine(line: string, hasColors: boolean): string {
  const entry = JSON.parse(line) as Entry;
  const paint = (code: string | undefined, text: string): string =>
    hasColors && code !== undefined ? `\x1b[${code}m${text}\x1b[0m` : text;
  const level = paint(COLORS[entry.level], entry.level.toUpperCase().padEnd(LEVEL_WIDTH));
  const component = entry.component === undefined ? "" : `${harmless(entry.component)}: `;
  const rest = [...Object.entries(entry), ...Object.entries(entry.attributes ?? {})]
    .filter(([key], i) => i >= Object.keys(entry).length || !HIDDEN.has(key))
    .map(([key, value]) => `${paint("90", `${harmless(key)}=`)}${valueText(value)}`);
  const head = [
    paint("90", entry.timestamp.slice(11, -1)),
    level,
    component + harmless(entry.message),
    ...rest,
  ].join(" ");
  if (entry.error === undefined) return head;
  const { type, message, stack } = entry.error;
  return `${head}\n  ${harmless(stack ?? `${type}: ${message}`).replaceAll("\n", "\n  ")}`;
}
