// JSON strings by hand: one pass over the characters says whether a text needs escaping, and
// whether it can hold a secret at all, so that most texts are copied and nothing more.

/** The text must be escaped. */
export const ESCAPE = 1;
/** The text has a character that most secrets have; worth a look by pattern. */
export const SUSPECT = 2;
/** The text has something that is neither a hex digit nor `-`: it is more than an id. */
export const WORD = 4;

const ASCII = 128;
const DELETE = 0x7f;

// `J` stands for JWT (eyJ), `I` for AKIA, ASIA and AIza; the rest separates keys from values.
const CLASSES = Uint8Array.from({ length: ASCII }, (_, code) => {
  const char = String.fromCharCode(code);
  let bits = 0;
  if (code < 0x20 || code === DELETE || char === '"' || char === "\\") bits |= ESCAPE | SUSPECT;
  if ("=:-_JI ".includes(char)) bits |= SUSPECT;
  if (!"0123456789abcdef-".includes(char)) bits |= WORD;
  return bits;
});

// Beyond it the engine's own JSON.stringify is faster than a loop.
const LOOP_MAX = 192;

/** The classes of all characters of a text, joined. */
export function classify(text: string): number {
  const length = text.length;
  if (length > LOOP_MAX) return ESCAPE | SUSPECT | WORD;
  let bits = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < ASCII) bits |= CLASSES[code]!;
    else bits |= needsEscape(code) ? ESCAPE | WORD : WORD;
  }
  return bits;
}

// C1 controls, line and paragraph separator, and surrogates, which may be lone.
function needsEscape(code: number): boolean {
  return code <= 0x9f || code === 0x2028 || code === 0x2029 || (code >= 0xd800 && code <= 0xdfff);
}

// JSON.stringify leaves these as they are; terminals and line readers do not.
const LEFT_REGEXP = /[\x7f-\x9f\u2028\u2029]/g;

/** The JSON string of a text whose classes say that it needs escaping. */
export function escapeText(text: string): string {
  return JSON.stringify(text).replace(
    LEFT_REGEXP,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The JSON string of a text. */
export function quote(text: string): string {
  return (classify(text) & ESCAPE) === 0 ? `"${text}"` : escapeText(text);
}

/** A text cut to a length, never through a surrogate pair, with a mark of how much went. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const code = text.charCodeAt(max - 1);
  const end = code >= 0xd800 && code <= 0xdbff ? max - 1 : max;
  return `${text.slice(0, end)}…[${text.length - end} more]`;
}
