// Rules 6 and 7: no runtime's own names in neutral files, one clock, one source of randomness, no
// state in modules.

import ts from "typescript";
import { libraryImports } from "./_imports.ts";
import { at, type FileMap, libraryFiles, parse, perFile, visitAll } from "./_project.ts";

/** Where a runtime's own names are allowed. */
const RUNTIME_FILES_REGEXP =
  /^(?:[^/]+\/drivers\/|internal\/runtime\/|config\/(?:sources\/|_?[a-z]*_?source)|service\/|testing\/)/;

/**
 * Whether a file must not know which runtime it is on.
 *
 * @param path Relative to the root.
 */
export function isNeutral(path: string): boolean {
  return !RUNTIME_FILES_REGEXP.test(path);
}

const RUNTIME_NAMES: readonly string[] = ["Deno", "process", "Bun", "Buffer", "require", "global"];

/** Whether an identifier is a use of a variable, not the name of a member or of a declaration. */
function isVariable(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isPropertySignature(parent) || ts.isMethodSignature(parent)) return false;
  if (ts.isPropertyDeclaration(parent)) return parent.initializer === node;
  if (ts.isMethodDeclaration(parent) || ts.isAccessor(parent)) return false;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isParameter(parent)) return parent.initializer === node;
  return !ts.isVariableDeclaration(parent) || parent.initializer === node;
}

function declares(source: ts.SourceFile, name: string): boolean {
  if (!source.text.includes(name)) return false;
  let found = false;
  visitAll(source, (node) => {
    const bound = ts.isVariableDeclaration(node) || ts.isParameter(node) ||
      ts.isBindingElement(node) || ts.isFunctionDeclaration(node);
    if (bound && node.name?.kind === ts.SyntaxKind.Identifier && node.name.text === name) {
      found = true;
    }
  });
  return found;
}

function unwrap(node: ts.Expression): ts.Expression {
  while (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) node = node.expression;
  return node;
}

/** The names of the global object. */
const GLOBALS: readonly string[] = ["globalThis", "self", "window"];

/** The global that an expression is, named by itself or as a member of the global object. */
function globalOf(expression: ts.Expression): string | undefined {
  const node = unwrap(expression);
  if (ts.isIdentifier(node)) {
    const own = GLOBALS.includes(node.text) && node.text !== "globalThis" &&
      declares(node.getSourceFile(), node.text);
    return own ? undefined : node.text;
  }
  return GLOBALS.map((name) => memberOf(node, name)).find((name) => name !== undefined);
}

function memberOf(node: ts.Node, owner: string): string | undefined {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  if (globalOf(node.expression) !== owner) return undefined;
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : undefined;
}

/** Names that are taken out of a global: `const { a, b: c } = owner`. */
function takenFrom(node: ts.Node, owner: string): string[] {
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name)) return [];
  if (node.initializer === undefined || globalOf(node.initializer) !== owner) return [];
  return node.name.elements.map((each) => (each.propertyName ?? each.name).getText());
}

/**
 * Whether a global is handed on as a whole, so that nobody can see what is done with it: given
 * another name, passed, returned, called, or asked for a member by a name that is made at run time.
 */
function isHandedOn(identifier: ts.Identifier): boolean {
  if (!isVariable(identifier) || ts.isTypeNode(identifier.parent)) return false;
  let node: ts.Node = identifier;
  while (
    ts.isParenthesizedExpression(node.parent) || ts.isAsExpression(node.parent) ||
    ts.isSatisfiesExpression(node.parent) || ts.isNonNullExpression(node.parent)
  ) node = node.parent;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return false;
  if (ts.isElementAccessExpression(parent) && parent.expression === node) {
    return !ts.isStringLiteralLike(parent.argumentExpression);
  }
  if (ts.isTypeOfExpression(parent) || ts.isExpressionWithTypeArguments(parent)) return false;
  if (ts.isBinaryExpression(parent)) {
    const { kind } = parent.operatorToken;
    return kind !== ts.SyntaxKind.InstanceOfKeyword && kind !== ts.SyntaxKind.InKeyword;
  }
  if (ts.isNewExpression(parent) && parent.expression === node) return false;
  const pattern = ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)
    ? parent.name
    : undefined;
  return pattern === undefined ||
    pattern.elements.some((each) => each.dotDotDotToken !== undefined);
}

/** Uses of a global as a whole. */
function handsOn(node: ts.Node, names: readonly string[]): string | undefined {
  if (!ts.isIdentifier(node) || !names.includes(node.text)) return undefined;
  if (node.text !== "globalThis" && declares(node.getSourceFile(), node.text)) return undefined;
  return isHandedOn(node) ? node.text : undefined;
}

function runtimeNameOf(node: ts.Node): string | undefined {
  for (const owner of GLOBALS) {
    const names = [memberOf(node, owner), ...takenFrom(node, owner)];
    const name = names.find((each) => each !== undefined && RUNTIME_NAMES.includes(each));
    if (name !== undefined) return name;
  }
  const whole = handsOn(node, GLOBALS);
  if (whole !== undefined) return `${whole} as a whole`;
  if (!ts.isIdentifier(node) || !RUNTIME_NAMES.includes(node.text)) return undefined;
  if (!isVariable(node) || declares(node.getSourceFile(), node.text)) return undefined;
  return node.text;
}

const runtimeNamesIn = perFile((source) => {
  const found: string[] = [];
  visitAll(source, (node) => {
    const name = runtimeNameOf(node);
    if (name !== undefined) found.push(`${at(node)} uses ${name}`);
  });
  return found;
});

/** Rule 6: neutral files name nothing of a runtime. */
export function neutralFilesNameNoRuntime(files: FileMap): string[] {
  const found = libraryFiles(files).filter(([path]) => isNeutral(path))
    .flatMap(([path, text]) => runtimeNamesIn(path, text));
  const builtins = libraryImports(files)
    .filter((edge) => isNeutral(edge.from) && /^(?:node|bun|cloudflare|deno):/.test(edge.to))
    .map((edge) => `${edge.where} imports ${edge.to}`);
  return [...found, ...builtins];
}

/** What tells time, waits or draws lots. */
const CLOCK_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  performance: ["now", "timeOrigin"],
  Math: ["random"],
  crypto: ["randomUUID", "getRandomValues"],
  AbortSignal: ["timeout"],
};
const CLOCK_GLOBALS: readonly string[] = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "requestAnimationFrame",
];
const CLOCK_FILES: Readonly<Record<string, string>> = {
  "internal/clock.ts": "the clock",
  "internal/random.ts": "the randomness",
  "internal/runtime/stdio_target.ts": "asks which runtime it is on; tells no time",
  "testing/fake_clock.ts": "lets promise callbacks run before time moves on; tells no time",
};

function clockUseOf(node: ts.Node): string | undefined {
  const relevant = ts.isIdentifier(node) || ts.isPropertyAccessExpression(node) ||
    ts.isElementAccessExpression(node) || ts.isVariableDeclaration(node) ||
    ts.isNewExpression(node);
  if (!relevant) return undefined;
  for (const [owner, members] of Object.entries(CLOCK_MEMBERS)) {
    const names = [memberOf(node, owner), ...takenFrom(node, owner)];
    const name = names.find((each) => each !== undefined && members.includes(each));
    if (name !== undefined) return `${owner}.${name}`;
  }
  for (const owner of GLOBALS) {
    const names = [memberOf(node, owner), ...takenFrom(node, owner)];
    const name = names.find((each) => each !== undefined && CLOCK_GLOBALS.includes(each));
    if (name !== undefined) return name;
    const taken = takenFrom(node, owner).find((each) => Object.hasOwn(CLOCK_MEMBERS, each));
    if (taken !== undefined) return `${taken} under another name`;
  }
  if (ts.isNewExpression(node) && globalOf(node.expression) === "Date") {
    return (node.arguments?.length ?? 0) === 0 ? "new Date()" : undefined;
  }
  const whole = handsOn(node, [...GLOBALS, ...Object.keys(CLOCK_MEMBERS)]);
  if (whole !== undefined) return `${whole} as a whole`;
  // A type such as `typeof setTimeout` calls nothing.
  if (!ts.isIdentifier(node) || !CLOCK_GLOBALS.includes(node.text)) return undefined;
  return isVariable(node) && !ts.isTypeQueryNode(node.parent) ? node.text : undefined;
}

const clockUsesIn = perFile((source) => {
  const found: string[] = [];
  visitAll(source, (node) => {
    const use = clockUseOf(node);
    if (use !== undefined) found.push(`${at(node)} uses ${use}`);
  });
  return found;
});

/** Rule 7: time and randomness come from the injected clock and random. */
export function oneClock(files: FileMap): string[] {
  return libraryFiles(files).filter(([path]) => !(path in CLOCK_FILES))
    .flatMap(([path, text]) => clockUsesIn(path, text));
}

const COLLECTIONS: readonly string[] = ["Map", "Set", "WeakMap", "WeakSet", "Array"];

const MUTATORS: readonly string[] = "add set delete clear push pop shift unshift splice sort fill"
  .split(" ");

/** State that may stay, and why. */
const HARMLESS_STATE: Readonly<Record<string, string>> = {
  "contracts/validate.ts": "rules compiled from schemas, which depend on the schemas alone",
};

function isMutableValue(declaration: ts.VariableDeclaration): boolean {
  const value = declaration.initializer === undefined ? undefined : unwrap(declaration.initializer);
  if (value === undefined) return false;
  const type = declaration.type?.getText() ?? "";
  if (/^(?:Readonly|readonly\b)/.test(type)) return false;
  // What is empty is there to be filled.
  if (ts.isNewExpression(value)) {
    return COLLECTIONS.includes(value.expression.getText()) && (value.arguments?.length ?? 0) === 0;
  }
  if (ts.isArrayLiteralExpression(value)) return value.elements.length === 0;
  return ts.isObjectLiteralExpression(value) && value.properties.length === 0;
}

function writtenTo(node: ts.Node): string | undefined {
  const root = (expression: ts.Expression, least = 1): string | undefined => {
    let left = unwrap(expression);
    let depth = 0;
    while (ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left)) {
      left = unwrap(left.expression);
      depth += 1;
    }
    return depth >= least && ts.isIdentifier(left) ? left.text : undefined;
  };
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    return MUTATORS.includes(name.text) ? root(expression, 0) : undefined;
  }
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    const assigns = kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
    return assigns ? root(node.left) : undefined;
  }
  if (ts.isDeleteExpression(node)) return root(node.expression);
  if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    const { operator } = node;
    const steps = operator === ts.SyntaxKind.PlusPlusToken ||
      operator === ts.SyntaxKind.MinusMinusToken;
    return steps ? root(node.operand) : undefined;
  }
  return undefined;
}

function stateOf(source: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  const constants = new Map<string, ts.Node>();
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const constant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    if (!constant) found.push(statement);
    for (const declaration of statement.declarationList.declarations) {
      if (constant && isMutableValue(declaration)) found.push(declaration);
      if (ts.isIdentifier(declaration.name)) constants.set(declaration.name.text, declaration);
    }
  }
  visitAll(source, (node) => {
    const name = writtenTo(node);
    if (name !== undefined && constants.has(name) && !declaredInside(source, name)) {
      found.push(node);
    }
    if (ts.isPropertyDeclaration(node) && isStaticState(node)) found.push(node);
  });
  return found;
}

/** Whether a function of the file hides the module's constant of this name. */
function declaredInside(source: ts.SourceFile, name: string): boolean {
  let count = 0;
  visitAll(source, (node) => {
    const bound = ts.isVariableDeclaration(node) || ts.isParameter(node) ||
      ts.isBindingElement(node);
    if (bound && ts.isIdentifier(node.name) && node.name.text === name) count += 1;
  });
  return count > 1;
}

function isStaticState(node: ts.PropertyDeclaration): boolean {
  const kinds = (node.modifiers ?? []).map((modifier) => modifier.kind);
  return kinds.includes(ts.SyntaxKind.StaticKeyword) &&
    !kinds.includes(ts.SyntaxKind.ReadonlyKeyword);
}

/** Rule 7: modules hold no state. */
export function noModuleState(files: FileMap): string[] {
  return libraryFiles(files).filter(([path]) => !(path in HARMLESS_STATE)).flatMap(([path, text]) =>
    stateOf(parse(path, text)).map((node) => `${at(node)} keeps state in the module`)
  );
}
