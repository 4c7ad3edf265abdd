// Rules 11 and 13: sizes, names, and constructs that are not used.

import ts from "typescript";
import { entriesOf } from "./_manifest.ts";
import { at, type FileMap, isLibrary, libraryFiles, parse, perFile, visitAll } from "./_project.ts";

/** Lines that a file may have, and those that need a reason. */
const LINES = { reason: 300, never: 500, medianAtMost: 130 } as const;

/** Files over 300 lines, each with the reason why it is not two files. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

function linesOf(text: string): number {
  return text.replace(/\n$/, "").split("\n").length;
}

/** Rule 11: nothing over 300 lines without a reason, nothing over 500, no reason that is not needed. */
export function filesAreShort(files: FileMap): string[] {
  const sizes = new Map(libraryFiles(files).map(([path, text]) => [path, linesOf(text)]));
  const long = [...sizes].filter(([path, lines]) =>
    lines > LINES.never || (lines > LINES.reason && !Object.hasOwn(LONG_FILES, path))
  ).map(([path, lines]) => `${path} has ${lines} lines`);
  const idle = Object.keys(LONG_FILES)
    .filter((path) => (sizes.get(path) ?? 0) <= LINES.reason)
    .map((path) => `${path} needs no reason`);
  return [...long, ...idle];
}

/**
 * The median of the lines of source files.
 *
 * @param files All files.
 */
export function medianLines(files: FileMap): number {
  const sizes = libraryFiles(files).map(([, text]) => linesOf(text)).sort((a, b) => a - b);
  return sizes[Math.floor(sizes.length / 2)] ?? 0;
}

/** Rule 11: the median stays within the budget. */
export function medianInBudget(files: FileMap): string[] {
  const median = medianLines(files);
  return median <= LINES.medianAtMost ? [] : [`the median is ${median} lines`];
}

/** Rule 13: snake_case file names. */
export function namesAreSnakeCase(files: FileMap): string[] {
  return [...files.keys()].filter((path) => path.endsWith(".ts") && !path.startsWith("gen/"))
    .filter((path) =>
      !path.split("/").every((part) => /^_?[a-z0-9]+(?:_[a-z0-9]+)*(?:\.ts)?$/.test(part))
    )
    .map((path) => `${path} is not snake_case`);
}

const FORBIDDEN: readonly (readonly [what: string, is: (node: ts.Node) => boolean])[] = [
  [
    "a default export",
    (node) =>
      (ts.isExportAssignment(node) && !node.isExportEquals) ||
      hasModifier(node, ts.SyntaxKind.DefaultKeyword) ||
      (ts.isExportSpecifier(node) && node.name.text === "default"),
  ],
  ["an enum", ts.isEnumDeclaration],
  ["a namespace", ts.isModuleDeclaration],
  ["a decorator", ts.isDecorator],
  ["any", (node) => node.kind === ts.SyntaxKind.AnyKeyword],
  [
    "the private keyword",
    (node) =>
      // A constructor cannot be #private.
      hasModifier(node, ts.SyntaxKind.PrivateKeyword) && !ts.isConstructorDeclaration(node),
  ],
  [
    "a parameter property",
    (node) =>
      ts.isParameter(node) &&
      (node.modifiers ?? []).some((modifier) => modifier.kind !== ts.SyntaxKind.Decorator),
  ],
  [
    "CommonJS",
    (node) =>
      (ts.isExportAssignment(node) && node.isExportEquals === true) ||
      ts.isExternalModuleReference(node) ||
      (ts.isPropertyAccessExpression(node) && node.getText() === "module.exports"),
  ],
  [
    "a var",
    (node) => ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) === 0,
  ],
];

function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (node.modifiers ?? []).some((each) => each.kind === kind);
}

/** Files whose form another's interface demands. */
const FORMED_BY_OTHERS: Readonly<Record<string, string>> = {
  "tests/package/fixtures/worker.ts": "a worker is the default export of its module",
};

const forbiddenIn = perFile((source) => {
  const found: string[] = [];
  visitAll(source, (node) => {
    for (const [what, is] of FORBIDDEN) {
      // Elsewhere the linter asks for a reason.
      if (what === "any" && !isLibrary(source.fileName)) continue;
      if (is(node)) found.push(`${at(node)} has ${what}`);
    }
  });
  return found;
});

/** Rule 13: constructs that are not used, in the whole project save generated code. */
export function noForbiddenConstructs(files: FileMap): string[] {
  return [...files]
    .filter(([path]) => path.endsWith(".ts") && !path.startsWith("gen/"))
    .filter(([path]) => !(path in FORMED_BY_OTHERS))
    .flatMap(([path, text]) => forbiddenIn(path, text));
}

function isArrow(declaration: ts.VariableDeclaration): boolean {
  const value = declaration.initializer;
  return value !== undefined && (ts.isArrowFunction(value) || ts.isFunctionExpression(value));
}

/** Rule 13: what is exported as a function is declared as one. */
export function exportedFunctionsAreDeclared(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    for (const statement of parse(path, text).statements) {
      if (!ts.isVariableStatement(statement)) continue;
      if (!hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue;
      for (const declaration of statement.declarationList.declarations) {
        if (isArrow(declaration)) found.push(`${at(declaration)} exports an arrow function`);
      }
    }
  }
  return found;
}

/** Public functions and methods that take more than two arguments and an options bag, and why. */
export const LONG_SIGNATURES: Readonly<Record<string, string>> = {
  "core/deadline.ts withDeadline": "the clock is handed in first, before what is the call itself",
};

/** What entry points offer: `path name`, or `path *` when a file is passed on as a whole. */
function publicNames(files: FileMap): Set<string> {
  const names = new Set([...entriesOf(files).values()].map((path) => `${path} *`));
  for (const key of names) {
    const [path = "", name] = key.split(" ");
    for (const statement of parse(path, files.get(path) ?? "").statements) {
      if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue;
      const specifier = (statement.moduleSpecifier as ts.StringLiteral).text;
      if (!specifier.startsWith(".")) continue;
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const clause = statement.exportClause;
      if (clause === undefined) names.add(`${target} ${name}`);
      else if (ts.isNamespaceExport(clause)) names.add(`${target} *`);
      else {for (const each of clause.elements) {
          if (name !== "*" && name !== each.name.text) continue;
          names.add(`${target} ${(each.propertyName ?? each.name).text}`);
        }}
    }
  }
  return names;
}

type Callable = ts.SignatureDeclarationBase & ts.Node;

/** What users can call in a statement: the function, or the methods of an interface or class. */
function callables(statement: ts.Statement): [name: string, node: Callable][] {
  if (ts.isFunctionDeclaration(statement)) return [[statement.name?.text ?? "", statement]];
  if (!ts.isInterfaceDeclaration(statement) && !ts.isClassDeclaration(statement)) return [];
  const owner = statement.name?.text ?? "";
  return [...statement.members].flatMap((member): [string, Callable][] => {
    if (hasModifier(member as ts.Node, ts.SyntaxKind.PrivateKeyword)) return [];
    const name = `${owner}.${member.name?.getText() ?? "constructor"}`;
    if (ts.isMethodSignature(member) || ts.isMethodDeclaration(member)) return [[name, member]];
    if (ts.isConstructorDeclaration(member)) return [[name, member]];
    const type = ts.isPropertySignature(member) ? member.type : undefined;
    return type !== undefined && ts.isFunctionTypeNode(type) ? [[name, type]] : [];
  });
}

/** Rule 13: a public function or method takes two arguments and an options bag at most. */
export function signaturesAreShort(files: FileMap): string[] {
  const found: string[] = [];
  const names = publicNames(files);
  for (const path of new Set([...names].map((key) => key.split(" ")[0]!))) {
    if (!isLibrary(path) || path.startsWith("gen/")) continue;
    for (const statement of parse(path, files.get(path) ?? "").statements) {
      if (!hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue;
      for (const [name, node] of callables(statement)) {
        const key = `${path} ${name}`;
        if (!names.has(`${path} ${name.split(".")[0]}`) && !names.has(`${path} *`)) continue;
        // The type of `this` is no argument.
        const count = node.parameters.filter((each) => each.name.getText() !== "this").length;
        if (count <= 3 || Object.hasOwn(LONG_SIGNATURES, key)) continue;
        found.push(`${at(node)} ${key} takes ${count} arguments`);
      }
    }
  }
  return found;
}

/** mod.ts re-exports, and does nothing else. */
export function entryFilesOnlyReExport(files: FileMap): string[] {
  const found: string[] = [];
  for (const [path, text] of libraryFiles(files)) {
    if (!path.endsWith("/mod.ts") && path !== "mod.ts") continue;
    for (const statement of parse(path, text).statements) {
      if (!ts.isExportDeclaration(statement)) found.push(`${at(statement)} is not a re-export`);
    }
    if (!/^\/\*\*[\s\S]*?@module/.test(text)) found.push(`${path} has no @module text`);
  }
  return found;
}
