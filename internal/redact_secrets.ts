// Secrets in texts, found by their shape: for log lines and spans.

/** What stands where a secret stood; the same text as `Secret` prints. */
export const REDACTED = "[redacted]";

// Cheap first look; each alternative begins one of the patterns below.
const HINT_REGEXP =
  /eyj|:\/\/|bearer|basic|a[ks]ia|gh[pousr]_|_pat_|glpat|xox|xapp|[sr]k_|sk-|whsec|aiza|npm_|hv[sbr]\.|sg\.|private key|ya29|pypi-|shp|xprv|pass|pwd|secret|token|key|auth|cookie|credential|sig|mnemonic|dop_|\d:a|[5kl][1-9a-hj-np-z]{50}/i;

const NAME =
  "pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|" +
  "signing[_-]?key|credentials?|signature|mnemonic";
// A quoted value (with or without backslashes before the quotes), or all up to a separator.
const VALUE = `\\\\?"(?:[^"\\\\]|\\\\[^"])*\\\\?"|'[^']*'|[^\\s,;&"'}\\])]+`;

// Bounded or linear: none repeats a group that can match the same text in two ways.
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}KEY-----|$)/g,
    REDACTED,
  ],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g, REDACTED],
  // user:password@, where the password may hold / or @; a port (digits, then /) is no password.
  [
    /(\b[a-z][a-z0-9+.-]{1,31}:\/\/)[^\s:/?#"'@]{0,256}:(?!\d{1,5}[/?#])[^\s"']{0,512}@/gi,
    `$1${REDACTED}@`,
  ],
  [/(\b[a-z][a-z0-9+.-]{1,31}:\/\/)[^\s/?#"']{1,512}@/gi, `$1${REDACTED}@`],
  [/(authorization\\?["']?\s{0,3}[=:]\s{0,3}\\?["']?)[^\r\n"',}]+/gi, `$1${REDACTED}`],
  [/(cookie\\?["']?\s{0,3}[=:]\s{0,3}\\?["']?)[^\r\n"'}]+/gi, `$1${REDACTED}`],
  [/\b(bearer\s{1,3})[\w.~+/=-]{6,}/gi, `$1${REDACTED}`],
  [/\b(basic\s{1,3})(?=[A-Za-z+/]*(?:[\d=]|[a-z][A-Z]))[\w+/=-]{8,}/gi, `$1${REDACTED}`],
  [
    new RegExp(`((?:${NAME})[\\w-]{0,20}\\\\?["']?\\s{0,3}[=:]\\s{0,3})(?:${VALUE})`, "gi"),
    `$1${REDACTED}`,
  ],
  // Keys of well-known makers, by their prefixes.
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}/g, REDACTED],
  [/\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|hooks\.slack\.com\/services\/[\w/]+/g, REDACTED],
  [/\b[sr]k_(?:live|test)_\w{8,}|\bwhsec_\w{8,}|\bsk-[\w-]{16,}/g, REDACTED],
  [/\bAIza[\w-]{30,}|\bya29\.[\w-]{16,}|\bSG\.[\w-]{16,}\.[\w-]{16,}/g, REDACTED],
  [
    /\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{16,}|\bshp(?:at|ss|ca)_\w{16,}|\bdop_v1_\w{16,}/g,
    REDACTED,
  ],
  [/\bhv[sbr]\.[\w-]{20,}|\b\d{8,10}:A[\w-]{34}\b/g, REDACTED],
  // Extended private keys (BIP 32) and wallet import format, in base 58.
  [/\b[xyzt]prv[1-9A-HJ-NP-Za-km-z]{90,}|\b[5KL][1-9A-HJ-NP-Za-km-z]{50,51}\b/g, REDACTED],
];

/** Removes what looks like a secret from a text. Takes time in proportion to its length. */
export function redactSecrets(text: string): string {
  if (!HINT_REGEXP.test(text)) return text;
  let out = text;
  for (const [pattern, replacement] of PATTERNS) out = out.replace(pattern, replacement);
  return out;
}
