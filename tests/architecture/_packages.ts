// Rules 3 and 4: which third-party package may be imported where, and what each entry point
// reaches.

import { closureOf, isPackage, libraryImports, moduleOf, packageOf } from "./_imports.ts";
import { entriesOf } from "./_manifest.ts";
import { type FileMap, isDriver } from "./_project.ts";

/** Packages that code outside drivers may import, and in which modules; `*` is anywhere. */
export const FREE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": ["*"],
  // Generated code imports the descriptor of the rules' options from it.
  "@bufbuild/protovalidate": ["contracts", "gen"],
  "@opentelemetry/api": ["tracing"],
  "jose": ["auth"],
  "yaml": ["config"],
};

/** Entry points that are wired with drivers on purpose, and so reach their packages. */
const WIRED: readonly string[] = [".", "./edge"];

function isFree(name: string, module: string): boolean {
  const homes = Object.hasOwn(FREE_PACKAGES, name) ? FREE_PACKAGES[name]! : [];
  return homes.includes("*") || homes.includes(module);
}

/** Packages of one vendor count as one client library, such as `@opentelemetry/*`. */
function familyOf(name: string): string {
  return name.startsWith("@") ? name.slice(0, name.indexOf("/")) : name;
}

/** Rule 3: only drivers import client libraries; the free list has one home each. */
export function clientsOnlyInDrivers(files: FileMap): string[] {
  return libraryImports(files).filter(isPackage)
    .filter((edge) => !isDriver(edge.from) && !isFree(packageOf(edge.to), moduleOf(edge.from)))
    .map((edge) => `${edge.where} imports ${edge.to}, which only a driver may`);
}

/** The packages that a driver imports, itself or in the private files beside it. */
function ownPackages(files: FileMap, driver: string): Set<string> {
  const parts = [...closureOf(files, driver).files]
    .filter((path) => path === driver || /\/drivers\/_/.test(path));
  const edges = libraryImports(files).filter((edge) =>
    parts.includes(edge.from) && isPackage(edge)
  );
  return new Set(edges.map((edge) => packageOf(edge.to)));
}

/** Rule 3: one client library a driver. */
export function oneClientPerDriver(files: FileMap): string[] {
  const drivers = [...files.keys()].filter((path) => /^[^/]+\/drivers\/[^_/][^/]*\.ts$/.test(path));
  return drivers.flatMap((path) => {
    const own = [...ownPackages(files, path)].filter((name) => name !== "@bufbuild/protobuf");
    const families = [...new Set(own.map(familyOf))].sort();
    return families.length > 1 ? [`${path} imports ${families.join(" and ")}`] : [];
  });
}

/** Rule 3: third parties come by their bare name from deno.json. */
export function bareNamesOnly(files: FileMap): string[] {
  return libraryImports(files).filter((edge) => /^(?:npm|jsr|https?|file|data):/.test(edge.to))
    .map((edge) => `${edge.where} imports ${edge.to} in place of a bare name`);
}

/**
 * Rule 4: an entry point reaches the free list alone, over static edges and lazy ones; a driver's
 * entry point reaches its own client library besides, and no other driver.
 */
export function entriesReachNoClient(files: FileMap): string[] {
  return [...entriesOf(files)].filter(([key]) => !WIRED.includes(key)).flatMap(([key, path]) => {
    const closure = closureOf(files, path);
    const own = isDriver(path) ? ownPackages(files, path) : new Set<string>();
    const packages = [...closure.packages]
      .filter((name) => !Object.hasOwn(FREE_PACKAGES, name) && !own.has(name));
    const drivers = [...closure.files]
      .filter((file) => isDriver(file) && file !== path && !/\/drivers\/_/.test(file));
    return [...packages, ...drivers].map((name) => `${key} reaches ${name}`);
  });
}

/** Entry points that need a runtime with `node:` modules. */
const NEEDS_NODE: readonly string[] = [".", "./config", "./service", "./testing"];

/** Rule 6: neutral entry points reach no module of a runtime. */
export function neutralEntriesReachNoBuiltin(files: FileMap): string[] {
  return [...entriesOf(files)]
    .filter(([key, path]) => !NEEDS_NODE.includes(key) && !isDriver(path))
    .flatMap(([key, path]) =>
      [...closureOf(files, path).builtins].map((name) => `${key} reaches ${name}`)
    );
}
