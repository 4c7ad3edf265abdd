// What is never shown by its name, where no type says so.
const SECRET_NAME_REGEXP =
  /passw|passphrase|secret|token|credential|private|api_?key|apikey|auth(?:orization)?$|cookie|dsn|pepper|salt|signature/i;
// scheme://user:password@host
const USERINFO_REGEXP = /\/\/[^/?#\s@]{1,1024}@/g;

/** Whether a name is one of a secret. */
export function looksSecret(name: string): boolean {
  return SECRET_NAME_REGEXP.test(name);
}

/** A text without the user and password of the URLs in it. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(USERINFO_REGEXP, "//[redacted]@");
}
