import { redactSecrets } from "../internal/redact_secrets.ts";
import { classify, SUSPECT, WORD } from "./_quote.ts";

// Compared with keys in lower case without `_`, `-`, `.` and spaces.
const SECRET_PARTS = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "secret",
  "apikey",
  "privatekey",
  "signingkey",
  "encryptionkey",
  "accesskey",
  "keyhash",
  "authorization",
  "credential",
  "cookie",
  "mnemonic",
  "seedphrase",
  "connectionstring",
];
// Words that are a secret only as the whole key, or at its end: `token_address` is no secret here.
const SECRET_WORDS = ["pwd", "pin", "otp", "jwt", "bearer", "seed", "dsn", "xprv", "auth", "pass"];
const SECRET_ENDINGS = ["token", "tokens"];
// Cursors of lists and streams: needed in logs, and worth nothing to a thief.
const HARMLESS = new Set(["pagetoken", "nextpagetoken", "resumetoken"]);

const plainKey = (key: string): string => key.toLowerCase().replace(/[_\-. ]/g, "");

/** Whether one of the built-in patterns takes a key for a secret's. */
function isBuiltIn(key: string): boolean {
  if (HARMLESS.has(key)) return false;
  return SECRET_WORDS.includes(key) || SECRET_ENDINGS.some((ending) => key.endsWith(ending)) ||
    SECRET_PARTS.some((part) => key.includes(part));
}

const SHORTEST_SECRET = 8;
const LONG = 20;

/** Removes what looks like a secret from a text. */
export function redactText(text: string, classes: number = classify(text)): string {
  if (text.length < SHORTEST_SECRET || (classes & WORD) === 0) return text;
  if ((classes & SUSPECT) === 0 && text.length < LONG) return text;
  return redactSecrets(text);
}

/** Which keys and paths hold secrets. */
export interface KeyRules {
  /** Whether a key's value is a secret wherever the key stands. */
  isSecretKey(key: string): boolean;
  /** Whether any rule is a path, so that paths need to be followed. */
  readonly hasPaths: boolean;
  /** Whether the value at a path, from the line's fields down, is a secret. */
  isSecretPath(path: readonly string[]): boolean;
}

/**
 * Makes the rules from the built-in patterns and the configuration.
 *
 * @param extra Keys (`passport`) and paths (`user.email`, `orders.*.note`) besides the built-in
 *   ones; letter case, `_`, `-` and spaces do not matter.
 */
export function keyRules(extra: readonly string[]): KeyRules {
  const keys = new Set(extra.filter((key) => !key.includes(".")).map(plainKey));
  const paths = extra.filter((key) => key.includes(".")).map((path) =>
    path.split(".").map(plainKey)
  );
  return {
    hasPaths: paths.length > 0,
    isSecretKey(key) {
      const plain = plainKey(key);
      return keys.has(plain) || isBuiltIn(plain);
    },
    isSecretPath: (path) =>
      paths.some((rule) =>
        rule.length === path.length &&
        rule.every((part, i) => part === "*" || part === plainKey(path[i]!))
      ),
  };
}
