import type { SecretReference } from "./source.ts";

/** What a text says once its references are replaced. */
export interface Interpolated {
  readonly text: string;
  /** True when anything was replaced. */
  readonly changed: boolean;
  /** True when a file's content is in it. */
  readonly secret: boolean;
  /** The reference, when the text was one reference and nothing else. */
  readonly reference?: SecretReference | undefined;
}

/** A reference that cannot be resolved: what is wrong, after the name of the setting. */
export interface Unresolved {
  readonly problem: string;
}

/** Where references lead. */
export interface Lookup {
  variable(name: string): string | undefined;
  file(path: string): Promise<{ readonly text: string; readonly path: string } | Unresolved>;
}

const NAME_REGEXP = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
const DEFAULT_REGEXP = /^([A-Za-z_][A-Za-z0-9_]{0,254}):-([^]*)$/;
const NO_END = "has a '${' without a '}'; write '$${' for the text itself";
const NESTED = "has a '${' inside a '${', which is not supported";
const NO_REFERENCE = "has a reference that is not '${NAME}', '${NAME:-default}' or " +
  "'${file:path}'; write '$${' for the text itself";

interface Piece {
  readonly text: string;
  readonly secret: boolean;
  readonly reference?: SecretReference;
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${file:path}` in a text; `$${` stands for `${`. What
 * is put in is not looked at again, so nothing can recurse, and `$(…)` is just text.
 *
 * @param text A value as it was written.
 * @param lookup Where references lead.
 */
export async function interpolate(
  text: string,
  lookup: Lookup,
): Promise<Interpolated | Unresolved> {
  if (!text.includes("${")) return { text, changed: false, secret: false };
  let result = "";
  let secret = false;
  let reference: SecretReference | undefined;
  let position = 0;
  for (;;) {
    const start = text.indexOf("${", position);
    if (start < 0) break;
    if (start > position && text[start - 1] === "$") {
      result += text.slice(position, start - 1) + "${";
      position = start + 2;
      continue;
    }
    const end = text.indexOf("}", start);
    if (end < 0) return { problem: NO_END };
    const piece = await resolve(text.slice(start + 2, end), lookup);
    if ("problem" in piece) return piece;
    result += text.slice(position, start) + piece.text;
    secret ||= piece.secret;
    position = end + 1;
    if (start === 0 && position === text.length) reference = piece.reference;
  }
  return { text: result + text.slice(position), changed: true, secret, reference };
}

async function resolve(inner: string, lookup: Lookup): Promise<Piece | Unresolved> {
  if (inner.includes("${")) return { problem: NESTED };
  if (inner.startsWith("file:")) {
    const found = await lookup.file(inner.slice("file:".length));
    if ("problem" in found) return found;
    return { text: found.text, secret: true, reference: { file: found.path } };
  }
  const withDefault = DEFAULT_REGEXP.exec(inner);
  const name = withDefault?.[1] ?? inner;
  if (!NAME_REGEXP.test(name)) return { problem: NO_REFERENCE };
  const value = lookup.variable(name);
  // As in a shell: with ":-" an empty variable counts as absent.
  if (withDefault !== null && (value === undefined || value === "")) {
    return { text: withDefault[2]!, secret: false };
  }
  if (value === undefined) {
    return { problem: `needs the environment variable '${name}', which is not set` };
  }
  return { text: value, secret: false, reference: { env: name } };
}
