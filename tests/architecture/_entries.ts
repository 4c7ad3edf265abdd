// One public entry per module, one manifest, pinned dependencies, drivers that are complete.

import { DEPENDENCIES } from "./dependencies.ts";
import { isPackage, libraryImports, moduleOf, packageOf } from "./_imports.ts";
import { LAYERS } from "./_layers.ts";
import { entriesOf, manifestOf } from "./_manifest.ts";
import { type FileMap, isDriver, libraryFiles } from "./_project.ts";

/** Modules without an entry point of their own name. */
const UNEXPORTED: readonly string[] = ["internal", "presets", "gen", "mod.ts"];

function drivers(files: FileMap): string[] {
  return libraryFiles(files).map(([path]) => path)
    .filter((path) => /^[^/]+\/drivers\/[^_/][^/]*\.ts$/.test(path));
}

/** `bus/drivers/memory.ts` is offered as `./bus/memory`. */
function driverKey(path: string): string {
  return `./${path.replace("/drivers/", "/").replace(/\.ts$/, "").replaceAll("_", "-")}`;
}

function expectedEntries(files: FileMap): Map<string, string> {
  const entries = new Map([[".", "mod.ts"], ["./edge", "presets/edge.ts"]]);
  for (const module of LAYERS.flat()) {
    if (UNEXPORTED.includes(module) || !files.has(`${module}/mod.ts`)) continue;
    entries.set(`./${module}`, `${module}/mod.ts`);
  }
  for (const path of drivers(files)) entries.set(driverKey(path), path);
  for (const path of files.keys()) {
    const found = /^gen\/ts\/(cqc\/[a-z]+\/v\d+)\/mod\.ts$/.exec(path);
    if (found !== null) entries.set(`./${found[1]}`, path);
  }
  return entries;
}

/** Each module, driver and package of contracts has one entry point, and there is no other. */
export function exportsEqualFiles(files: FileMap): string[] {
  const expected = expectedEntries(files);
  const actual = entriesOf(files);
  const missing = [...expected].filter(([key, path]) => actual.get(key) !== path)
    .map(([key, path]) => `deno.json does not export ${key} as ${path}`);
  const extra = [...actual].filter(([key, path]) => !expected.has(key) || !files.has(path))
    .map(([key, path]) => `deno.json exports ${key} as ${path}, which is not expected`);
  return [...missing, ...extra];
}

const MANIFEST_REGEXP =
  /(?:^|\/)(?:package(?:-lock)?\.json|tsconfig[^/]*\.json|jsr\.jsonc?|deno\.jsonc|bun\.lockb?|yarn\.lock|pnpm-lock\.yaml|import_map\.json)$/;
/** Files of such a name that are not the project's manifest. */
const OTHER_MANIFESTS: readonly string[] = ["tools/tsconfig.npm.json"];

/** deno.json and deno.lock are the only manifest and the only lock. */
export function oneManifest(files: FileMap): string[] {
  return [...files.keys()]
    .filter((path) => MANIFEST_REGEXP.test(path) && !OTHER_MANIFESTS.includes(path))
    .filter((path) => !path.includes("/fixtures/"))
    .map((path) => `${path} is a second manifest or lock`);
}

/** Imports name one exact version from npm; the lock is frozen. */
export function versionsArePinned(files: FileMap): string[] {
  const { imports, lock } = manifestOf(files);
  const loose = Object.entries(imports)
    .filter(([name, target]) => {
      const version = target.startsWith(`npm:${name}@`) ? target.slice(name.length + 5) : "";
      return !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version);
    }).map(([name, target]) => `${name} is ${target}, which is not one exact version`);
  return lock?.frozen === true && lock.path === "./deno.lock"
    ? loose
    : [...loose, "no frozen lock"];
}

/** deno.json and the list of dependencies name the same packages. */
export function dependenciesAreListed(files: FileMap): string[] {
  const names = Object.keys(manifestOf(files).imports);
  return [
    ...names.filter((name) => !Object.hasOwn(DEPENDENCIES, name))
      .map((name) => `${name} is not in the list of dependencies`),
    ...Object.keys(DEPENDENCIES).filter((name) => !names.includes(name))
      .map((name) => `${name} is listed and not in deno.json`),
  ];
}

/** What the library imports is in deno.json, and is of the kind that its place allows. */
export function importsAreDeclared(files: FileMap): string[] {
  const { imports } = manifestOf(files);
  return libraryImports(files).filter(isPackage).flatMap((edge) => {
    const name = packageOf(edge.to);
    if (!Object.hasOwn(imports, name)) return [`${edge.where} imports ${name}, not in deno.json`];
    const kind = DEPENDENCIES[name]?.kind;
    const fits = kind === "free" || (kind === "driver" && isDriver(edge.from));
    return fits ? [] : [`${edge.where} imports ${name}, which is of kind ${kind}`];
  });
}

/** Packages whose install script need not run, and why. */
const IDLE_SCRIPTS: Readonly<Record<string, string>> = {
  esbuild: "its program comes as an optional package; the script only checks it",
  protobufjs: "its script prints a warning about version ranges",
};

/** No package of the lock needs an install script: they are not run. */
export function noInstallScripts(files: FileMap): string[] {
  const lock: { npm?: Record<string, { scripts?: boolean }> } = JSON.parse(
    files.get("deno.lock") ?? "{}",
  );
  return Object.entries(lock.npm ?? {}).filter(([, entry]) => entry.scripts === true)
    .map(([key]) => key.slice(0, key.indexOf("@", 1)))
    .filter((name) => !Object.hasOwn(IDLE_SCRIPTS, name))
    .map((name) => `${name} has an install script`);
}

/** Rule 12: a driver comes with an entry point, a test, a docs page and a changelog line. */
export function driversAreComplete(files: FileMap): string[] {
  const texts = (folder: string, extension: string): [string, string][] =>
    [...files].filter(([path]) => path.startsWith(folder) && path.endsWith(extension));
  return drivers(files).flatMap((path) => {
    const name = driverKey(path).replace(".", "@cq/cqi");
    const tested = texts("tests/", "_test.ts")
      .some(([test, text]) => !test.startsWith("tests/architecture/") && text.includes(path));
    const documented = texts("docs/", ".md").some(([, text]) => text.includes(name));
    const wired = texts("presets/", ".ts").some(([, text]) => text.includes(path));
    const logged = (files.get("CHANGELOG.md") ?? "").includes(name);
    return [
      tested ? [] : [`${path} is imported by no test`],
      documented ? [] : [`${path} has no page in docs/ that names ${name}`],
      wired ? [] : [`${path} is in no preset`],
      logged ? [] : [`${path} is not in CHANGELOG.md as ${name}`],
    ].flat();
  });
}

/** Rule 12: outside presets and tests nothing names a driver's file, so one more touches no more. */
export function driversAreNamedNowhereElse(files: FileMap): string[] {
  const allowed = /^(?:presets|tests|docs|examples|benchmarks)\/|^(?:deno\.json|CHANGELOG\.md)$/;
  return [...files].filter(([path]) => !allowed.test(path) && !isDriver(path)).flatMap(
    ([path, text]) =>
      drivers(files).filter((driver) => text.includes(driver))
        .map((driver) => `${path} names ${driver}`),
  );
}

/** Folders of tests/ that stand for no module. */
const SUITE_FOLDERS: readonly string[] =
  "architecture bridge contract examples faults interop package runtimes tools gen proto".split(
    " ",
  );

/** tests/ mirrors the source tree. */
export function testsMirrorSources(files: FileMap): string[] {
  const folders = new Set(
    [...files.keys()].filter((path) => path.startsWith("tests/") && path.endsWith("_test.ts"))
      .map((path) => path.split("/")[1]!),
  );
  const modules = new Set(libraryFiles(files).map(([path]) => moduleOf(path)));
  return [...folders]
    .filter((folder) => !SUITE_FOLDERS.includes(folder) && !modules.has(folder))
    .map((folder) => `tests/${folder} stands for no module`);
}
