// Reads the JUnit reports of `deno test`, `node --test` and `bun test`. They agree on little more
// than `<testcase name>` with a `<failure>` or `<skipped>` inside, so that is all that is read.

/** How one test ended. */
export type Outcome = "passed" | "failed" | "skipped";

/** One test of a report. */
export interface TestCase {
  /** The name given to `test()`. */
  readonly name: string;
  /** How it ended. */
  readonly outcome: Outcome;
  /** What failed, or why it was skipped; empty when the report does not say. */
  readonly detail: string;
}

const CASE_REGEXP = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const FAILURE_REGEXP = /<(?:failure|error)\b((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/)/;
const SKIPPED_REGEXP = /<skipped\b((?:\s+[\w:-]+="[^"]*")*)/;
const ENTITY_REGEXP = /&(?:#(\d+)|#x([\da-f]+)|(lt|gt|amp|quot|apos));/gi;
const NAMED: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function unescape(text: string): string {
  return text.replace(ENTITY_REGEXP, (_all, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return NAMED[name.toLowerCase()] ?? "";
  });
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? "" : unescape(value);
}

function readCase(attributes: string, body: string): TestCase {
  // Deno writes a line break in a name as two characters.
  const name = attribute(attributes, "name").replaceAll("\n", "\\n");
  const failure = FAILURE_REGEXP.exec(body);
  if (failure !== null) {
    const text = unescape(failure[2] ?? "").trim();
    const detail = text === "" ? attribute(failure[1] ?? "", "message") : text;
    return { name, outcome: "failed", detail };
  }
  const skipped = SKIPPED_REGEXP.exec(body);
  if (skipped !== null) {
    return { name, outcome: "skipped", detail: attribute(skipped[1] ?? "", "message") };
  }
  return { name, outcome: "passed", detail: "" };
}

/**
 * Reads a report.
 *
 * @param xml The file's text.
 * @returns The tests in the order of the report.
 */
export function parseJunit(xml: string): TestCase[] {
  // Node puts diagnostics, unescaped, into comments, and escapes a quote twice.
  const text = xml.replace(/<!--[\s\S]*?-->/g, "").replaceAll("&amp;quot;", "&quot;");
  return [...text.matchAll(CASE_REGEXP)].map((match) => readCase(match[1] ?? "", match[2] ?? ""));
}
