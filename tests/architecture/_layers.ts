// Rules 1, 2 and 4: who may import whom.

import { type Edge, libraryImports, moduleOf, UNKNOWN } from "./_imports.ts";
import { type FileMap, isDriver, libraryFiles } from "./_project.ts";

/** The layers from the bottom up. Siblings do not import each other. */
export const LAYERS: readonly (readonly string[])[] = [
  ["errors", "gen"],
  ["internal"],
  ["core", "contracts"],
  ["logging", "metrics", "tracing"],
  ["config", "secrets", "retry", "breaker", "ratelimit", "health"],
  ["bus", "database", "cache", "auth"],
  ["outbox"],
  ["service"],
  // Presets wire services as well, and tests of users want a wired application.
  ["presets"],
  ["testing"],
  ["mod.ts"],
];

function layerOf(path: string): number {
  return LAYERS.findIndex((layer) => layer.includes(moduleOf(path)));
}

function crossing(files: FileMap): Edge[] {
  return libraryImports(files).filter((edge) =>
    edge.local && moduleOf(edge.from) !== moduleOf(edge.to)
  );
}

/** Rule 1: imports point down the layers. */
export function importsPointDown(files: FileMap): string[] {
  return crossing(files)
    .filter((edge) => layerOf(edge.to) === -1 || layerOf(edge.to) >= layerOf(edge.from))
    .map((edge) => `${edge.where} imports ${edge.to}, which is not in a layer below`);
}

/** Rule 1: every module has a layer. */
export function modulesHaveLayers(files: FileMap): string[] {
  return libraryFiles(files).filter(([path]) => layerOf(path) === -1)
    .map(([path]) => `${path} is in no layer`);
}

/** Rule 1: no file imports itself over others, types aside. */
export function noCycles(files: FileMap): string[] {
  const next = new Map<string, string[]>();
  for (const edge of libraryImports(files)) {
    if (!edge.local || edge.kind !== "static") continue;
    next.set(edge.from, [...next.get(edge.from) ?? [], edge.to]);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push([...trail.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    for (const to of next.get(path) ?? []) walk(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) walk(path, []);
  return cycles;
}

/** The generated list of all contracts, which the registry reads. */
const GENERATED_LIST = "gen/ts/files.ts";

function isPublicDoor(edge: Edge): boolean {
  if (moduleOf(edge.to) === "internal") return true;
  if (edge.to.endsWith("/mod.ts") || edge.to === GENERATED_LIST) return true;
  if (moduleOf(edge.from) === "presets" && isDriver(edge.to)) return true;
  // mod.ts of the root is made of the presets.
  if (edge.from === "mod.ts" && moduleOf(edge.to) === "presets") return true;
  return edge.kind === "type" && /^[^/]+\/types\.ts$/.test(edge.to);
}

/** Rule 2: across modules only `x/mod.ts`, or `x/types.ts` with `import type`. */
export function onlyPublicDoors(files: FileMap): string[] {
  return crossing(files).filter((edge) => !isPublicDoor(edge))
    .map((edge) => `${edge.where} imports ${edge.to}, which is inside another module`);
}

/** Rule 2: `_file.ts` is private to its folder. */
export function privateFilesStayPrivate(files: FileMap): string[] {
  const folder = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
  return libraryImports(files)
    .filter((edge) => edge.local && /(?:^|\/)_[^/]*$/.test(edge.to))
    .filter((edge) => folder(edge.from) !== folder(edge.to))
    .map((edge) => `${edge.where} imports ${edge.to}, which is private to its folder`);
}

/** Rule 4: only presets import drivers, and they do so by a literal `import()`. */
export function onlyPresetsImportDrivers(files: FileMap): string[] {
  const shared = (edge: Edge): boolean => isDriver(edge.from) && /\/drivers\/_/.test(edge.to);
  const preset = (edge: Edge): boolean =>
    moduleOf(edge.from) === "presets" && edge.kind !== "static";
  return libraryImports(files)
    .filter((edge) => edge.local && isDriver(edge.to) && !shared(edge) && !preset(edge))
    .map((edge) => `${edge.where} imports the driver ${edge.to}`);
}

/** Rule 4: what `import()` loads can be read off the source. */
export function dynamicImportsAreLiteral(files: FileMap): string[] {
  return libraryImports(files).filter((edge) => edge.to === UNKNOWN)
    .map((edge) => `${edge.where} imports what is not a literal`);
}

/** Relative imports name a file that exists, by its real name with `.ts`. */
export function importsExist(files: FileMap): string[] {
  return libraryImports(files).filter((edge) => edge.local && !files.has(edge.to))
    .map((edge) => `${edge.where} imports ${edge.to}, which is no file`);
}
