// The npm packages: what is in each, and what package.json says of it.

/** A package that is built from this repository. */
export interface NpmPackage {
  /** Name on npm. */
  readonly name: string;
  /** Version; absent means the one of deno.json. */
  readonly version?: string;
  /** One sentence for the registry. */
  readonly description: string;
  /** Folder that it is written to, relative to the root. */
  readonly output: string;
  /** Folder whose files it is made of, relative to the root, without `/` at the end. */
  readonly source: string;
  /** Folder of JSON documents that go along, and where to. */
  readonly documents: { readonly from: string; readonly to: string };
  /** Subpaths of deno.json that it offers, and how they are called there. */
  readonly subpath: (key: string) => string | undefined;
}

/** Both packages. The contracts have a version of their own: they change less often. */
export const PACKAGES: readonly NpmPackage[] = [
  {
    name: "@cq/cqi",
    description: "Infrastructure of the CQ platform's services: event bus, database, cache, " +
      "logging, metrics, tracing, configuration, auth and retry, on Deno, Node and Bun",
    output: "npm",
    source: ".",
    documents: { from: "gen/jsonschema", to: "gen/jsonschema" },
    subpath: (key) => key,
  },
  {
    name: "@cq/cqc",
    version: "0.1.0",
    description: "Contracts of the CQ platform: messages, events and services as TypeScript",
    output: "npm-cqc",
    source: "gen/ts/cqc",
    documents: { from: "gen/openapi", to: "openapi" },
    subpath: (key) => key.startsWith("./cqc/") ? key.replace("./cqc/", "./") : undefined,
  },
];

/** Node versions that the drivers' clients support; Node 20 is past its end of life. */
export const ENGINES: Readonly<Record<string, string>> = { node: ">=22.22 <23 || >=24.6" };

/** Where the sources are; npm's provenance needs it. */
export const REPOSITORY = "git+https://github.com/Combine-Capital/cqi.git";
