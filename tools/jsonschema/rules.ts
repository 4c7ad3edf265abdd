// Rules over several settings, by id: what JSON Schema can say of each. A new one has to be put here.
import type { Schema } from "../schema/schema.ts";

/** A setting is there and does not take back what weaker sources say. */
export const has = (name: string): Schema => ({
  required: [name],
  properties: { [name]: { not: { type: "null" } } },
});

const none = (...names: readonly string[]): Schema => ({ not: { anyOf: names.map(has) } });
const all = (...names: readonly string[]): Schema => ({ allOf: names.map(has) });
const is = (name: string, values: readonly (string | boolean)[]): Schema => ({
  required: [name],
  properties: { [name]: { enum: [...values] } },
});
const never = (...schemas: readonly Schema[]): Schema => ({ not: { allOf: [...schemas] } });
const items = (name: string, schema: Schema): Schema => ({
  properties: { [name]: { items: schema } },
});

const OTHERS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const SECRET_BASED = ["HS256", "HS384", "HS512"];

/** A rule as a schema. */
export interface Rule {
  /** What settings that are given may not say together. */
  readonly always?: readonly Schema[];
  /** What must be given; other sources may do so, so it does not hold for a part. */
  readonly whole?: readonly Schema[];
}

/** The rules that can be said. */
export const RULES: Readonly<Record<string, Rule>> = {
  "postgres_config.url_or_fields": {
    always: [
      never(has("url"), { anyOf: ["host", "port", "database", "user", "password"].map(has) }),
    ],
  },
  "kafka_config.idempotent_needs_acks_all": {
    always: [never(is("idempotent", [true, "true"]), is("acks", ["leader", "none"]))],
  },
  "sasl_config.credentials_match_mechanism": {
    always: [
      { if: is("mechanism", ["OAUTHBEARER"]), then: none("username", "password") },
      { if: is("mechanism", OTHERS), then: none("token") },
    ],
    whole: [
      { if: is("mechanism", ["OAUTHBEARER"]), then: all("token") },
      { if: is("mechanism", OTHERS), then: all("username", "password") },
    ],
  },
  "jwt_auth_config.algorithms_match_key": {
    always: [
      // What is no reference and no name of the others is refused as an algorithm anyway.
      {
        if: has("secret"),
        then: items("algorithms", { not: { pattern: "^(?:[RPE]S[0-9]|EdDSA)" } }),
      },
      {
        if: { anyOf: ["jwks_uri", "public_key_pem"].map(has) },
        then: items("algorithms", { not: { enum: SECRET_BASED } }),
      },
    ],
  },
  "redis_config.cluster_has_one_database": {
    always: [
      never(has("cluster"), {
        required: ["database"],
        properties: {
          database: {
            anyOf: [
              { type: "integer", not: { const: 0 } },
              { type: "string", pattern: "[1-9]", not: { pattern: "\\$\\{" } },
            ],
          },
        },
      }),
    ],
  },
  "aws_secrets_config.keys_together": {
    whole: [{
      anyOf: [
        all("access_key_id", "secret_access_key"),
        none("access_key_id", "secret_access_key"),
      ],
    }],
  },
  "tls_config.key_needs_certificate": {
    whole: [{
      anyOf: [
        { allOf: [has("private_key"), { anyOf: ["cert_file", "cert_pem"].map(has) }] },
        none("private_key", "cert_file", "cert_pem"),
      ],
    }],
  },
};

/** The rules that cannot be said: they compare values with each other. */
export const UNSAID: readonly string[] = [
  "api_key_entry.expires_after_begin",
  "auth_config.unique_key_ids",
  "database_config.min_not_above_max_conns",
  "retry_config.initial_not_above_max_delay",
];
