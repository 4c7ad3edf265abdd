// What the tests themselves look like, so that three runtimes can run and compare them.

import ts from "typescript";
import { at, type FileMap, parse, visitAll } from "./_project.ts";

function testFiles(files: FileMap): [path: string, text: string][] {
  return [...files].filter(([path]) => /^tests\/.*_test\.ts$/.test(path));
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

function isMarked(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false;
  if (ts.isPropertyAccessExpression(node.expression)) {
    const { expression, name } = node.expression;
    return expression.getText() === "test" && MARKS.includes(name.text);
  }
  if (node.expression.getText() !== "test") return false;
  return node.arguments.some((argument) =>
    ts.isObjectLiteralExpression(argument) && argument.properties.some(isMark)
  );
}

function isMark(property: ts.ObjectLiteralElementLike): boolean {
  if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) return false;
  const { name, initializer } = property;
  // A skip that depends on something gives its reason as text.
  return MARKS.includes(name.text) && initializer.kind === ts.SyntaxKind.TrueKeyword;
}

/** No test is left out, alone in running, or without a reason for being skipped. */
export function noTestIsLeftOut(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of testFiles(files)) {
    visitAll(parse(path, text), (node) => {
      if (isMarked(node)) found.push(`${at(node)} leaves a test out`);
    });
  }
  return found;
}

/** Names are unique in their file, since runs are compared by them. */
export function testNamesAreUnique(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of testFiles(files)) {
    const seen = new Set<string>();
    visitAll(parse(path, text), (node) => {
      if (!ts.isCallExpression(node) || node.expression.getText() !== "test") return;
      const name = node.arguments[0];
      if (name === undefined || !ts.isStringLiteralLike(name)) return;
      if (seen.has(name.text)) found.push(`${at(node)} has the name of another test`);
      seen.add(name.text);
    });
  }
  return found;
}
