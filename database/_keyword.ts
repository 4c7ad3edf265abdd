/** Where a comment that starts at `at` ends; comments nest (Lexical Structure, 4.1.5). */
function afterComment(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const pair = text.slice(i, i + 2);
    if (pair === "/*") depth++;
    else if (pair === "*/") depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  return text.length;
}

/**
 * First keyword of a statement, lower case; may be empty. Comments, brackets and the semicolons of
 * empty statements are passed over.
 */
export function keywordOf(text: string): string {
  let at = 0;
  while (at < text.length) {
    if (/[\s(;]/.test(text[at]!)) at++;
    else if (text.startsWith("--", at)) {
      const end = text.indexOf("\n", at);
      if (end < 0) return "";
      at = end;
    } else if (text.startsWith("/*", at)) at = afterComment(text, at);
    else break;
  }
  return /^[a-z]+/i.exec(text.slice(at, at + 40))?.[0].toLowerCase() ?? "";
}
