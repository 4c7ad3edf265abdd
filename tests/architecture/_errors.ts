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
  "errors/error.ts": "is the class",
  "auth/_fetch_document.ts": "becomes the cause of CQI_AUTH_UNAVAILABLE",
  "auth/_key_set.ts": "becomes the cause of CQI_AUTH_UNAVAILABLE",
  "bus/_attempt.ts": "stands in for a thrown value that cannot be read",
  "service/_run.ts": "the reason of an abort, which the platform has as DOMException",
};

/** A class of errors beside the one, or another name for a platform's class. */
function otherClass(node: ts.Node): string | undefined {
  if (ts.isClassLike(node)) {
    const base = node.heritageClauses?.find((each) => each.token === ts.SyntaxKind.ExtendsKeyword)
      ?.types[0]?.expression.getText() ?? "";
    const another = BARE_REGEXP.test(base) || base === "CqiError";
    return another ? `makes a class that extends ${base}` : undefined;
  }
  if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return undefined;
  const base = node.initializer.getText();
  return BARE_REGEXP.test(base) ? `gives ${base} another name` : undefined;
}

function isPlainValue(node: ts.Expression | undefined): boolean {
  return node !== undefined &&
    (ts.isLiteralExpression(node) || ts.isTemplateExpression(node) ||
      ts.isObjectLiteralExpression(node) || ts.isArrayLiteralExpression(node) ||
      ts.isBinaryExpression(node) || node.getText() === "undefined" ||
      node.kind === ts.SyntaxKind.NullKeyword);
}

/** What makes or throws something else than a CqiError. */
function otherError(node: ts.Node): string | undefined {
  if (ts.isThrowStatement(node) && isPlainValue(node.expression)) return "throws a plain value";
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return otherClass(node);
  const name = node.expression.getText();
  if (BARE_REGEXP.test(name)) return `makes a bare ${name}`;
  const rejects = name === "Promise.reject" && isPlainValue(node.arguments?.[0]);
  return rejects ? "rejects with a plain value" : undefined;
}

/**
 * Rule 8: every error is a CqiError. A driver's errors are its client's, which the code above it
 * maps; testing/ plays users whose code fails.
 */
export function oneErrorClass(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    if (path.startsWith("testing/") || path in OTHER_ERRORS) continue;
    visitAll(parse(path, text), (node) => {
      const what = isDriver(path) ? otherClass(node) : otherError(node);
      if (what !== undefined) found.push(`${at(node)} ${what}`);
    });
  }
  return found;
}

/** Whether an answer says nothing of what was caught: no value, or one that is always the same. */
function isQuietValue(node: ts.Expression | undefined): boolean {
  if (node === undefined) return true;
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) {
    return isQuietValue(node.expression);
  }
  if (ts.isVoidExpression(node) || ts.isPrefixUnaryExpression(node)) return true;
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  if (ts.isObjectLiteralExpression(node)) return node.properties.length === 0;
  return ts.isIdentifier(node) || ts.isLiteralExpression(node) ||
    node.kind === ts.SyntaxKind.NullKeyword || node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword;
}

/** Whether nothing is done but to go on, with the name of what was caught unused. */
function isQuiet(block: ts.Block, caught: string | undefined): boolean {
  return block.statements.every((statement) => {
    if (ts.isContinueStatement(statement) || ts.isBreakStatement(statement)) return true;
    if (ts.isEmptyStatement(statement)) return true;
    if (!ts.isReturnStatement(statement) || !isQuietValue(statement.expression)) return false;
    return caught === undefined || statement.expression?.getText() !== caught;
  });
}

/** Whether a word is said in a node, or right above the statement that it is in. */
function saysWhy(node: ts.Node): boolean {
  if (/\/[/*]/.test(node.getText())) return true;
  const text = node.getSourceFile().text;
  for (let each = node.parent; !ts.isSourceFile(each); each = each.parent) {
    if (!ts.isStatement(each) || ts.isBlock(each)) continue;
    if ((ts.getLeadingCommentRanges(text, each.getFullStart()) ?? []).length > 0) return true;
    // A helper that does nothing but try has its reason above itself.
    const owner = each.parent.parent;
    const only = ts.isTryStatement(each) && owner !== undefined && ts.isFunctionDeclaration(owner);
    return only && (ts.getLeadingCommentRanges(text, owner.getFullStart()) ?? []).length > 0;
  }
  return false;
}

/** The handler of `promise.catch(handler)`, when it says nothing of what it gets. */
function quietHandler(node: ts.Node): ts.Node | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) {
    return undefined;
  }
  const { text } = node.expression.name;
  const handler = text === "catch" ? node.arguments[0] : text === "then" && node.arguments[1];
  if (!handler || (!ts.isArrowFunction(handler) && !ts.isFunctionExpression(handler))) {
    return undefined;
  }
  const caught = handler.parameters[0]?.name.getText();
  const { body } = handler;
  const quiet = ts.isBlock(body)
    ? isQuiet(body, caught)
    : isQuietValue(body) && body.getText() !== caught;
  return quiet ? handler : undefined;
}

/** Files that go on after an error without a word at the place: how often, and why. */
const GOES_ON: Readonly<Record<string, readonly [places: number, reason: string]>> = {
  "auth/_fetch_document.ts": [1, "the read that is cancelled ends with the reason itself"],
  "bus/_dispatch.ts": [1, "a wait that is cut short by closing is over"],
  "bus/_group_consumer.ts": [1, "who waits for the start hears of it"],
  "bus/_partition.ts": [1, "a budget of time that is cut short is not needed any more"],
  "bus/_stream.ts": [2, "the one that asked hears of it; the next turn does not depend on it"],
  "bus/open.ts": [1, "what a closed stream did not take is still on the log"],
  "core/deadline.ts": [1, "the race hears of it"],
  "database/_scope.ts": [1, "who runs the query hears of it; the queue goes on"],
  "database/_stream.ts": [2, "the reader of the rows hears of it"],
  "logging/_error.ts": [1, "an error's getter may throw, and the line is written without it"],
  "logging/_line.ts": [1, "what cannot be read is left out, so that the line is written"],
  "logging/_logger.ts": [1, "what cannot be read is left out, so that the line is written"],
  "metrics/drivers/prometheus.ts": [
    1,
    "who asked hears of it; the next in line does not depend on it",
  ],
  "service/open.ts": [1, "the failure to open is thrown, and each failure to close is logged"],
  "tracing/_span.ts": [1, "an error's getter may throw, and the span is written without it"],
  "tracing/baggage.ts": [1, "a header that cannot be decoded is dropped, as the W3C says"],
};

/** Rule 8: what is caught is not lost without a word on why. */
export function nothingSwallowed(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    if (path.startsWith("testing/")) continue;
    const own: string[] = [];
    visitAll(parse(path, text), (node) => {
      const quiet = ts.isCatchClause(node)
        ? isQuiet(node.block, node.variableDeclaration?.name.getText())
        : quietHandler(node) !== undefined;
      if (quiet && !saysWhy(node)) own.push(`${at(node)} swallows without a reason`);
    });
    if (own.length > (GOES_ON[path]?.[0] ?? 0)) found.push(...own);
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
