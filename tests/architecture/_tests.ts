// What the tests themselves look like, so that three runtimes can run and compare them.

import ts from "typescript";
import { at, type FileMap, parse, visitAll } from "./_project.ts";

function testFiles(files: FileMap): [path: string, text: string][] {
  return [...files].filter(([path]) =>
    /^tests\/.*_test\.ts$/.test(path) && !path.startsWith("tests/runtimes/fixtures/")
  );
}

const GROUPS: readonly string[] = "describe it suite before after beforeEach afterEach".split(" ");
const MARKS: readonly string[] = ["only", "skip", "todo"];

function importedFrom(source: ts.SourceFile, module: string): string[] {
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement)) return [];
    if ((statement.moduleSpecifier as ts.StringLiteral).text !== module) return [];
    const named = statement.importClause?.namedBindings;
    return named !== undefined && ts.isNamedImports(named)
      ? named.elements.map((each) => (each.propertyName ?? each.name).text)
      : [];
  });
}

/** Tests are flat: no groups, no hooks, which the runtimes count in different ways. */
export function testsAreFlat(files: FileMap): string[] {
  return testFiles(files).flatMap(([path, text]) =>
    importedFrom(parse(path, text), "node:test").filter((name) => GROUPS.includes(name))
      .map((name) => `${path} imports ${name} of node:test`)
  );
}

/** Tests are of node:test, which runs everywhere. */
export function testsAreOfNode(files: FileMap): string[] {
  return testFiles(files)
    .filter(([path, text]) =>
      !parse(path, text).text.includes(`from "node:test"`) &&
      !/from "\.\.\/.*testing\//.test(text)
    )
    .map(([path]) => `${path} does not import node:test`);
}

/** The names under which a file has `test`: the import's, and constants made from them. */
function testNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    if ((statement.moduleSpecifier as ts.StringLiteral).text !== "node:test") continue;
    const clause = statement.importClause;
    if (clause?.name !== undefined) names.add(clause.name.text);
    const bindings = clause?.namedBindings;
    if (bindings === undefined) continue;
    if (ts.isNamespaceImport(bindings)) {
      names.add(bindings.name.text).add(`${bindings.name.text}.test`);
      continue;
    }
    for (const each of bindings.elements) {
      if (["test", "default"].includes((each.propertyName ?? each.name).text)) {
        names.add(each.name.text);
      }
    }
  }
  visitAll(source, (node) => {
    if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return;
    if (names.has(node.initializer?.getText() ?? "")) names.add(node.name.text);
  });
  return names;
}

/** The function that a call of `test` runs, when it is written there. */
function bodyOf(call: ts.CallExpression): ts.ArrowFunction | ts.FunctionExpression | undefined {
  return call.arguments.find((each) => ts.isArrowFunction(each) || ts.isFunctionExpression(each));
}

/** Whether a call leaves a test out: `test.skip()`, `t.todo()`, or an option. */
function isMarked(node: ts.Node, tests: ReadonlySet<string>, contexts: ReadonlySet<string>) {
  if (ts.isPropertyAccessExpression(node) && MARKS.includes(node.name.text)) {
    const owner = node.expression.getText();
    return tests.has(owner) || (contexts.has(owner) && ts.isCallExpression(node.parent));
  }
  if (!ts.isCallExpression(node) || !tests.has(node.expression.getText())) return false;
  return node.arguments.some((argument) =>
    ts.isObjectLiteralExpression(argument) && argument.properties.some(isMark)
  );
}

/** Whether a value is nothing, or a reason in words, whatever it depends on. */
function isReason(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node)) return isReason(node.expression);
  if (ts.isConditionalExpression(node)) return isReason(node.whenTrue) && isReason(node.whenFalse);
  if (ts.isStringLiteralLike(node)) return node.text !== "";
  return ts.isTemplateExpression(node) || node.kind === ts.SyntaxKind.FalseKeyword ||
    node.getText() === "undefined";
}

function isMark(property: ts.ObjectLiteralElementLike): boolean {
  if (ts.isShorthandPropertyAssignment(property)) return MARKS.includes(property.name.text);
  if (!ts.isPropertyAssignment(property)) return false;
  const name = property.name.getText().replace(/^["']|["']$/g, "");
  if (!MARKS.includes(name)) return false;
  // A skip that depends on something gives its reason as text.
  if (name === "skip") return !isReason(property.initializer);
  return property.initializer.kind !== ts.SyntaxKind.FalseKeyword;
}

/** No test is left out, alone in running, or without a reason for being skipped. */
export function noTestIsLeftOut(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of testFiles(files)) {
    const source = parse(path, text);
    const tests = testNames(source);
    const contexts = new Set<string>();
    visitAll(source, (node) => {
      if (!ts.isCallExpression(node) || !tests.has(node.expression.getText())) return;
      const context = bodyOf(node)?.parameters[0]?.name.getText();
      if (context !== undefined) contexts.add(context);
    });
    visitAll(source, (node) => {
      if (isMarked(node, tests, contexts)) found.push(`${at(node)} leaves a test out`);
    });
  }
  return found;
}

/** The functions of a file by name, and the files that it has others from. */
interface Helpers {
  readonly bodies: ReadonlyMap<string, ts.Node>;
  readonly imports: ReadonlyMap<string, string>;
}

function isHelper(
  node: ts.Node,
): node is ts.NamedDeclaration {
  if (ts.isFunctionDeclaration(node)) return node.name !== undefined;
  if (ts.isMethodDeclaration(node)) return true;
  if (!ts.isVariableDeclaration(node) && !ts.isPropertyAssignment(node)) return false;
  // Not a value that some other test has got from an assertion.
  const { initializer } = node;
  return initializer !== undefined &&
    (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer));
}

function helpersOf(path: string, source: ts.SourceFile): Helpers {
  const bodies = new Map<string, ts.Node>();
  const imports = new Map<string, string>();
  visitAll(source, (node) => {
    if (isHelper(node)) bodies.set(node.name!.getText(), node);
    if (!ts.isImportDeclaration(node)) return;
    const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
    const bindings = node.importClause?.namedBindings;
    if (!specifier.startsWith(".") || bindings === undefined || !ts.isNamedImports(bindings)) {
      return;
    }
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    for (const each of bindings.elements) imports.set(each.name.text, target);
  });
  return { bodies, imports };
}

/** What proves something by itself: an assertion, a condition waited for, a type error there must be. */
function provesItself(node: ts.Node): boolean {
  return /\bassert\b|\buntil\(|@ts-expect-error/.test(node.getFullText());
}

/** The names that are used in a node, in calls or handed on. */
function usedNames(node: ts.Node): Set<string> {
  const names = new Set<string>();
  const each = (child: ts.Node): void => {
    if (ts.isIdentifier(child)) names.add(child.text);
    ts.forEachChild(child, each);
  };
  each(node);
  return names;
}

function proves(
  files: FileMap,
  path: string,
  node: ts.Node,
  seen: Set<ts.Node> = new Set(),
): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  if (provesItself(node)) return true;
  const { bodies, imports } = helpersOf(path, node.getSourceFile());
  for (const name of usedNames(node)) {
    const own = bodies.get(name);
    if (own !== undefined && proves(files, path, own, seen)) return true;
    // Helpers of the tests, and the suites that the library offers for them.
    const target = imports.get(name) ?? "";
    const text = /^(?:tests|testing)\//.test(target) ? files.get(target) : undefined;
    if (text === undefined) continue;
    const there = helpersOf(target, parse(target, text)).bodies.get(name);
    if (there !== undefined && proves(files, target, there, seen)) return true;
  }
  return false;
}

/** Files with tests that prove something in another way, and how. */
const PROVES_OTHERWISE: Readonly<Record<string, string>> = {};

/** Each test asserts something, itself or through a helper. */
export function testsAssert(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of testFiles(files)) {
    if (path in PROVES_OTHERWISE) continue;
    const source = parse(path, text);
    const tests = testNames(source);
    visitAll(source, (node) => {
      if (!ts.isCallExpression(node) || !tests.has(node.expression.getText())) return;
      const run = node.arguments.at(-1);
      if (run !== undefined && !proves(files, path, run)) {
        found.push(`${at(node)} asserts nothing`);
      }
    });
  }
  return found;
}

/** Names are unique in their file, since runs are compared by them. */
export function testNamesAreUnique(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of testFiles(files)) {
    const seen = new Set<string>();
    const source = parse(path, text);
    const tests = testNames(source);
    visitAll(source, (node) => {
      if (!ts.isCallExpression(node) || !tests.has(node.expression.getText())) return;
      const name = node.arguments[0];
      if (name === undefined || !ts.isStringLiteralLike(name)) return;
      if (seen.has(name.text)) found.push(`${at(node)} has the name of another test`);
      seen.add(name.text);
    });
  }
  return found;
}
