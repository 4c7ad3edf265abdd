/** A value on one line, for the message of a failed expectation. Never throws. */
export function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof RegExp) return String(value);
  try {
    const json = JSON.stringify(value, (_key, inner) => {
      if (typeof inner === "bigint") return `${inner}n`;
      return inner instanceof Error || inner instanceof RegExp ? show(inner) : inner;
    });
    return json ?? String(value);
  } catch {
    return "[unprintable]";
  }
}

/** Whether a value is as expected: by value, and a pattern is looked for in a text. */
export function isEqual(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (expected instanceof RegExp) return typeof actual === "string" && expected.test(actual);
  if (typeof actual !== "object" || typeof expected !== "object") return false;
  if (actual === null || expected === null) return false;
  const keys = Object.keys(expected);
  return keys.length === Object.keys(actual).length &&
    keys.every((key) =>
      isEqual((actual as Record<string, unknown>)[key], (expected as Record<string, unknown>)[key])
    );
}
