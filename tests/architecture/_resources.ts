// Rules 5 and 9: what is opened can be disposed of, what waits can be stopped, what a driver can do
// is declared and tested.

import ts from "typescript";
import { at, type FileMap, libraryFiles, parse, perFile } from "./_project.ts";

/** Interfaces and classes with `close()` that are not AsyncDisposable, and why. */
const CLOSED_BY_OTHERS: Readonly<Record<string, string>> = {
  "bus/driver.ts DriverConsumer": "closed by the code above drivers alone, in its own order",
  "bus/driver.ts BusDriver": "closed by the code above drivers alone, in its own order",
  "database/types.ts DriverConnection": "closed by the pool alone",
  "database/types.ts DatabaseDriver": "closed by the code above drivers alone, after the pool",
  "health/types.ts HealthBeat": "its close() is at once: it takes a component off the list",
  "logging/types.ts LogSink": "closed by the logger alone, after its last line",
  "metrics/types.ts MetricsDriver": "closed by the registry alone",
  "tracing/types.ts TracingDriver": "closed by the tracer alone, after its last span",
};

/** Functions and methods (or all of an interface) that give a promise without a signal, and why. */
const WAITS_ALONE: Readonly<Record<string, string>> = {
  "auth/create_api_key.ts createApiKey": "computes a hash",
  "bus/driver.ts RecordSink": "what a driver calls: it is stopped by closing the consumer",
  "bus/driver.ts DriverConsumer": "stopped by closing the consumer",
  "bus/driver.ts BusDriver.consume": "stopped by closing the consumer",
  "config/interpolate.ts Lookup.file": "reads one small file",
  "config/interpolate.ts interpolate": "reads small files",
  "core/random.ts uuidFromName": "computes a hash",
  "database/migration_folder.ts readMigrations": "reads small files",
  "database/query.ts Query": "the query was made with its signal",
  "database/types.ts DriverConnection.listen": "stopped by closing the connection",
  "metrics/types.ts MetricsDriver.expose": "computes a text",
  "metrics/types.ts MetricsRegistry.expose": "computes a text",
};

/** Opening is ended by the time limits of the settings, and what has been opened is closed. */
const OPENERS: readonly string[] = ["open", "createDriver"];

type Shape = ts.InterfaceDeclaration | ts.ClassDeclaration;

function isExported(node: ts.Statement): boolean {
  return ts.canHaveModifiers(node) &&
    (node.modifiers ?? []).some((each) => each.kind === ts.SyntaxKind.ExportKeyword);
}

function shapesOf(source: ts.SourceFile): Shape[] {
  return source.statements.filter((each): each is Shape =>
    (ts.isInterfaceDeclaration(each) || ts.isClassDeclaration(each)) && isExported(each)
  );
}

type Method = ts.MethodSignature | ts.MethodDeclaration;

function methodsOf(shape: Shape): Method[] {
  return [...shape.members].filter((each): each is Method =>
    ts.isMethodSignature(each) || ts.isMethodDeclaration(each)
  );
}

function basesOf(shape: Shape): string[] {
  return (shape.heritageClauses ?? []).flatMap((clause) =>
    clause.types.map((type) => type.expression.getText())
  );
}

/** Bases that bring their own way of disposal. */
const DISPOSABLE_REGEXP = /Disposable$/;

const undisposableIn = perFile((source) => {
  const shapes = shapesOf(source);
  const disposable = (shape: Shape): boolean =>
    shape.members.some((each) =>
      /Symbol\.(?:asyncDispose|dispose)\b/.test(each.name?.getText() ?? "")
    ) ||
    basesOf(shape).some((base) => {
      const own = shapes.find((each) => each.name?.text === base);
      return DISPOSABLE_REGEXP.test(base) || (own !== undefined && disposable(own));
    });
  return shapes.filter((shape) =>
    methodsOf(shape).some((each) => each.name.getText() === "close") && !disposable(shape)
  ).filter((shape) => !Object.hasOwn(CLOSED_BY_OTHERS, `${source.fileName} ${shape.name?.text}`))
    .map((shape) =>
      `${at(shape)} ${source.fileName} ${shape.name?.text} has close() and cannot be disposed of`
    );
});

/** Rule 9: what has `close()` is AsyncDisposable, so that `await using` closes it. */
export function closablesAreDisposable(files: FileMap): string[] {
  return publicFiles(files).flatMap(([path, text]) => undisposableIn(path, text));
}

/** Files whose exports users see or write: not private, not of the tests' own helpers. */
function publicFiles(files: FileMap): [path: string, text: string][] {
  return libraryFiles(files).filter(([path]) =>
    !/(?:^|\/)_/.test(path) && !path.startsWith("internal/")
  );
}

/** Interfaces and type aliases that have a signal, by their own member or by what they extend. */
function signalTypes(files: FileMap): Set<string> {
  const names = new Set(["AbortSignal", "Request", "Context"]);
  const texts = libraryFiles(files).flatMap(([path, text]) => declarationsIn(path, text));
  for (let before = -1; before < names.size;) {
    before = names.size;
    for (const line of texts) {
      const [name = "", ...uses] = line.split(" ");
      if (uses.includes("signal:") || uses.some((use) => names.has(use))) names.add(name);
    }
  }
  return names;
}

/** Each type of a file, with its bases and `signal:` when it has that member. */
const declarationsIn = perFile((source) =>
  source.statements.flatMap((each) => {
    if (ts.isInterfaceDeclaration(each)) {
      const own = each.members.some((member) => member.name?.getText() === "signal");
      return [[each.name.text, ...basesOf(each), ...(own ? ["signal:"] : [])].join(" ")];
    }
    if (!ts.isTypeAliasDeclaration(each)) return [];
    const words = each.type.getText().match(/\w+/g) ?? [];
    const own = /\bsignal\??:/.test(each.type.getText());
    return [[each.name.text, ...words, ...(own ? ["signal:"] : [])].join(" ")];
  })
);

const WAITING_REGEXP = /^(?:Promise|AsyncIterable|AsyncIterableIterator|Answer)\b/;
const NO_WAIT_REGEXP = /^(?:close|handler|\[Symbol\.)/;

function takesSignal(
  node: ts.SignatureDeclarationBase,
  known: ReadonlySet<string>,
): boolean {
  return node.parameters.some((each) =>
    (each.type?.getText().match(/\w+/g) ?? []).some((word) => known.has(word) || word === "signal")
  );
}

/** Rule 9: what waits takes `{ signal }`. */
export function waitsCanBeStopped(files: FileMap): string[] {
  const known = signalTypes(files);
  const found: string[] = [];
  const check = (path: string, name: string, node: ts.SignatureDeclarationBase & ts.Node): void => {
    if (!WAITING_REGEXP.test(node.type?.getText() ?? "") || takesSignal(node, known)) return;
    const keys = [`${path} ${name}`, `${path} ${name.split(".")[0]}`];
    if (OPENERS.includes(name) || keys.some((key) => Object.hasOwn(WAITS_ALONE, key))) return;
    found.push(`${at(node)} ${path} ${name} waits and takes no signal`);
  };
  for (const [path, text] of publicFiles(files)) {
    if (path.startsWith("testing/")) continue;
    const source = parse(path, text);
    for (const shape of shapesOf(source)) {
      for (const method of methodsOf(shape)) {
        const name = method.name.getText();
        if (!NO_WAIT_REGEXP.test(name)) check(path, `${shape.name?.text}.${name}`, method);
      }
    }
    for (const each of source.statements) {
      if (!ts.isFunctionDeclaration(each) || !isExported(each)) continue;
      check(path, each.name?.text ?? "", each);
    }
  }
  return found;
}

/** Drivers that no contract suite runs, and why. */
const WITHOUT_CONTRACT: Readonly<Record<string, string>> = {
  "database/drivers/mock.ts": "answers what a test tells it to; it has no behaviour of its own",
};

/** Rule 5: a driver of an interface with features declares them, and the interface's suite runs it. */
export function driversDeclareAndAreTested(files: FileMap): string[] {
  const modules = new Set(
    libraryFiles(files).filter(([, text]) => /export interface \w+Features\b/.test(text))
      .map(([path]) => path.split("/")[0]!),
  );
  const suites = [...files].filter(([path, text]) =>
    /^tests\/contract\/[^/]+_test\.ts$/.test(path) && /\w+Contract\(/.test(text)
  ).map(([, text]) => text);
  return libraryFiles(files).map(([path]) => path)
    .filter((path) => /^[^/]+\/drivers\/[^_/]+\.ts$/.test(path) && modules.has(path.split("/")[0]!))
    .flatMap((path) => [
      /\bfeatures\b/.test(files.get(path) ?? "") ? [] : [`${path} declares no features`],
      Object.hasOwn(WITHOUT_CONTRACT, path) || suites.some((text) => text.includes(path))
        ? []
        : [`${path} is run by no contract test`],
    ]).flat();
}
