// Rule 8: one class of error, codes that are used, messages of one shape.

import ts from "typescript";
import { at, type FileMap, isDriver, libraryFiles, parse, visitAll } from "./_project.ts";

const CODES = "errors/codes.ts";
const CODE_REGEXP = /CQI_[A-Z][A-Z_]*/g;

/** Rule 8: each code of the union is thrown somewhere. */
export function codesAreUsed(files: FileMap): string[] {
  const codes = new Set(files.get(CODES)?.match(CODE_REGEXP));
  const used = new Set(
    libraryFiles(files).filter(([path]) => path !== CODES)
      .flatMap(([, text]) => [...text.matchAll(/["'`](CQI_[A-Z_]+)["'`]/g)])
      .map((match) => match[1]!),
  );
  return [...codes].filter((code) => !used.has(code)).map((code) => `${code} is thrown nowhere`);
}

const BARE_REGEXP = /^(?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error$|^DOMException$/;

/** Files that make other errors, and why. */
const OTHER_ERRORS: Readonly<Record<string, string>> = {
  "auth/_fetch_document.ts": "becomes the cause of CQI_AUTH_UNAVAILABLE",
  "auth/_key_set.ts": "becomes the cause of CQI_AUTH_UNAVAILABLE",
  "bus/_dispatch.ts": "stands in for a thrown value that cannot be read",
  "service/_run.ts": "the reason of an abort, which the platform has as DOMException",
};

/**
 * Rule 8: every error is a CqiError. A driver's errors are its client's, which the code above it
 * maps; testing/ plays users whose code fails.
 */
export function oneErrorClass(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    if (isDriver(path) || path.startsWith("testing/") || path in OTHER_ERRORS) continue;
    visitAll(parse(path, text), (node) => {
      if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return;
      const name = node.expression.getText();
      if (BARE_REGEXP.test(name)) found.push(`${at(node)} makes a bare ${name}`);
    });
  }
  return found;
}

/** Rule 8: what is caught is not lost without a word on why. */
export function nothingSwallowed(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    visitAll(parse(path, text), (node) => {
      if (!ts.isCatchClause(node) || node.block.statements.length > 0) return;
      if (!/\/[/*]/.test(node.block.getText())) found.push(`${at(node)} swallows without a reason`);
    });
  }
  return found;
}

/** The text of a message: literal parts, with `…` for what is put in. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join("");
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    return (textOf(node.left) ?? "…") + (textOf(node.right) ?? "…");
  }
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
  return undefined;
}

const CONTRACTION_REGEXP =
  /\b(?:[a-z]+n't|(?:it|that|there|what|who)'s|(?:we|you|they|i)'(?:re|ve|ll|d|m))\b/i;

function faultsOf(text: string): string[] {
  const faults: string[] = [];
  if (/^[a-z]/.test(text)) faults.push("starts small");
  if (/[.!]$/.test(text)) faults.push("ends with a full stop");
  if (CONTRACTION_REGEXP.test(text)) faults.push("has a contraction");
  return faults;
}

/** Rule 8: messages start big, end without a full stop, and are whole words. */
export function messagesAreWellFormed(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    visitAll(parse(path, text), (node) => {
      if (!ts.isNewExpression(node) || node.expression.getText() !== "CqiError") return;
      const message = node.arguments?.[1];
      const words = message === undefined ? undefined : textOf(message);
      if (words === undefined) return;
      found.push(...faultsOf(words).map((fault) => `${at(node)} has a message that ${fault}`));
    });
  }
  return found;
}
