// The third-party packages of deno.json, all of them, with why each is there. A new dependency
// is a line here as well, so that none comes in unseen.

/** What a package is for. */
export interface Dependency {
  /** `free` comes with the package, `driver` is an optional peer, `development` is neither. */
  readonly kind: "free" | "driver" | "development";
  /** Why it is there. */
  readonly reason: string;
}

/** Every package of deno.json by name. */
export const DEPENDENCIES: Readonly<Record<string, Dependency>> = {
  "@bufbuild/protobuf": { kind: "free", reason: "messages of the contracts" },
  "@bufbuild/protovalidate": { kind: "free", reason: "rules of the contracts" },
  "@opentelemetry/api": { kind: "free", reason: "the tracing interfaces that others share" },
  "jose": { kind: "free", reason: "signatures of JSON Web Tokens" },
  "yaml": { kind: "free", reason: "configuration files" },
  "@electric-sql/pglite": { kind: "driver", reason: "embedded Postgres" },
  "@opentelemetry/otlp-transformer": { kind: "driver", reason: "spans as OTLP bytes" },
  "@opentelemetry/sdk-trace": { kind: "driver", reason: "spans, batches and samplers" },
  "prom-client": { kind: "driver", reason: "Prometheus metrics" },
  "srvx": { kind: "driver", reason: "one HTTP server on three runtimes" },
  "@bufbuild/protoc-gen-es": { kind: "development", reason: "generates gen/ts" },
  "@types/node": { kind: "development", reason: "types of node: modules" },
  "esbuild": { kind: "development", reason: "bundles the worker of the package test" },
  "fast-check": { kind: "development", reason: "property tests" },
  "lru-cache": { kind: "driver", reason: "a bounded map for the cache in memory" },
  "pino": { kind: "development", reason: "what the logger is measured against" },
  "typescript": { kind: "development", reason: "builds the npm package, parses for these tests" },
};
