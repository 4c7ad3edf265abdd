import { ENGINES, type NpmPackage, REPOSITORY } from "./packages.ts";
import { packagesOf, type Source } from "./sources.ts";

/** The parts of deno.json that package.json is made from. */
export interface DenoManifest {
  /** Version of the library. */
  readonly version: string;
  /** SPDX name. */
  readonly license: string;
  /** Subpath to source file. */
  readonly exports: Readonly<Record<string, string>>;
  /** Bare name to `npm:name@version`. */
  readonly imports: Readonly<Record<string, string>>;
}

/** package.json, as far as it is written. */
export interface NpmManifest {
  /** Name and version. */
  readonly name: string;
  /** Version. */
  readonly version: string;
  /** Subpath to its declaration and its code. */
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  /** What npm installs with the package. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** What a driver needs, to be installed by whoever uses it. */
  readonly peerDependencies: Readonly<Record<string, string>>;
  /** All else. */
  readonly [key: string]: unknown;
}

function rangeOf(manifest: DenoManifest, name: string): string {
  const target = manifest.imports[name];
  if (target === undefined) throw new Error(`Cannot build: '${name}' is not in deno.json`);
  // Minor releases of the same major are fine; the lock pins what the tests ran with.
  return `^${target.slice(`npm:${name}@`.length)}`;
}

function exportsOf(manifest: DenoManifest, pack: NpmPackage): NpmManifest["exports"] {
  const prefix = pack.source === "." ? "./" : `./${pack.source}/`;
  const entries: [string, { types: string; default: string }][] = [];
  for (const [key, path] of Object.entries(manifest.exports)) {
    const subpath = pack.subpath(key);
    if (subpath === undefined) continue;
    const base = `./${path.slice(prefix.length).replace(/\.ts$/, "")}`;
    entries.push([subpath, { types: `${base}.d.ts`, default: `${base}.js` }]);
  }
  return Object.fromEntries(entries);
}

function ranges(manifest: DenoManifest, names: Iterable<string>): Record<string, string> {
  return Object.fromEntries([...names].sort().map((name) => [name, rangeOf(manifest, name)]));
}

/**
 * Makes package.json: what drivers alone import is an optional peer, what other code imports comes
 * with the package.
 *
 * @param manifest deno.json.
 * @param pack Which package.
 * @param sources Its sources.
 */
export function npmManifest(
  manifest: DenoManifest,
  pack: NpmPackage,
  sources: readonly Source[],
): NpmManifest {
  const isDriver = (source: Source): boolean => /^[^/]+\/drivers\//.test(source.path);
  const free = new Set(sources.filter((each) => !isDriver(each)).flatMap(packagesOf));
  const peers = new Set(sources.filter(isDriver).flatMap(packagesOf).filter((n) => !free.has(n)));
  const peerDependencies = ranges(manifest, peers);
  return {
    name: pack.name,
    version: pack.version ?? manifest.version,
    description: pack.description,
    license: manifest.license,
    repository: { type: "git", url: REPOSITORY },
    type: "module",
    sideEffects: false,
    engines: ENGINES,
    exports: exportsOf(manifest, pack),
    dependencies: ranges(manifest, free),
    peerDependencies,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(peerDependencies).map((name) => [name, { optional: true }]),
    ),
  };
}
