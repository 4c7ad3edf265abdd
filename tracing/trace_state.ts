// The header `tracestate` (W3C Trace Context, section 3.3).

/** One member: key and value. */
export type TraceStateMember = readonly [key: string, value: string];

const MAX_MEMBERS = 32;
/** Longest header that is passed on; the specification asks for at least this much. */
const MAX_LENGTH = 512;
// Longer members go first when a header is too long (section 3.3.1.5).
const LONG_MEMBER = 128;
// A header that no valid list can fill; longer ones are not looked at.
const MAX_INPUT = 32 * (256 + 1 + 256 + 1) + 1024;

const KEY_REGEXP =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const VALUE_REGEXP = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

function parseMember(text: string): TraceStateMember | undefined {
  const at = text.indexOf("=");
  const key = text.slice(0, at);
  const value = text.slice(at + 1);
  return at > 0 && KEY_REGEXP.test(key) && VALUE_REGEXP.test(value) ? [key, value] : undefined;
}

/**
 * Reads the header. One bad member spoils all of it; empty members are passed over, and of equal
 * keys the first stays.
 *
 * @param header Value of the header; several are joined by commas.
 * @returns At most 32 members in order, or undefined when there is none or the header is bad.
 */
export function parseTracestate(header: string): readonly TraceStateMember[] | undefined {
  if (header.length > MAX_INPUT) return undefined;
  const members = new Map<string, string>();
  for (const part of header.split(",")) {
    const text = part.replace(/^[ \t]+|[ \t]+$/g, "");
    if (text === "") continue;
    const member = parseMember(text);
    if (member === undefined) return undefined;
    if (!members.has(member[0])) members.set(...member);
    if (members.size > MAX_MEMBERS) return undefined;
  }
  return members.size === 0 ? undefined : [...members];
}

/**
 * Writes the header, at most 512 characters: members beyond that go, long ones first, then from
 * the end.
 *
 * @param members Members in order.
 */
export function formatTracestate(members: readonly TraceStateMember[]): string {
  let texts = members.map(([key, value]) => `${key}=${value}`);
  const length = (): number => texts.reduce((sum, text) => sum + text.length + 1, -1);
  if (length() > MAX_LENGTH) texts = texts.filter((text) => text.length <= LONG_MEMBER);
  while (length() > MAX_LENGTH) texts.pop();
  return texts.join(",");
}
