// The body of an answer that is a failure: google.rpc.Status and the details that the contracts use
// (google/rpc/status.proto, google/rpc/error_details.proto), as ProtoJSON writes them.
import type { DescEnum } from "@bufbuild/protobuf";
import type { Schema } from "../schema/schema.ts";

const text = (description: string): Schema => ({ type: "string", description });
const textMap: Schema = { type: "object", additionalProperties: { type: "string" } };
const list = (properties: Schema): Schema => ({
  type: "array",
  items: { type: "object", properties },
});

const DETAILS: Readonly<Record<string, { about: string; fields: Schema }>> = {
  ErrorInfo: {
    about: "Why it failed, for programs. There is one in every status.",
    fields: {
      reason: text(
        "A value of cqc.infrastructure.v1.ErrorReason without its prefix: `MARKET_NOT_FOUND`.",
      ),
      domain: text("Who defines the reason: `cqc`."),
      metadata: textMap,
    },
  },
  BadRequest: {
    about: "Which fields break which rules, with INVALID_ARGUMENT.",
    fields: {
      fieldViolations: list({
        field: text("The field: `order.price`."),
        description: text("What is wrong, in words."),
        reason: text("The rule: `string.pattern`."),
      }),
    },
  },
  ResourceInfo: {
    about: "What was not found or exists already.",
    fields: {
      resourceType: text("Kind of the entity: `cqc.markets.v1.Market`."),
      resourceName: text("Its id."),
      owner: text("Whose it is."),
      description: text("More, in words."),
    },
  },
  RetryInfo: {
    about: "When to try again, with RESOURCE_EXHAUSTED and UNAVAILABLE.",
    fields: {
      retryDelay: { type: "string", pattern: "^[0-9]+(?:\\.[0-9]+)?s$" },
    },
  },
  QuotaFailure: {
    about: "Which limit was reached, with RESOURCE_EXHAUSTED.",
    fields: { violations: list({ subject: text("Whose."), description: text("Which.") }) },
  },
  PreconditionFailure: {
    about: "What has to be so first, with FAILED_PRECONDITION.",
    fields: {
      violations: list({
        type: text("Kind of the condition."),
        subject: text("What it is about."),
        description: text("What to do, in words."),
      }),
    },
  },
};

const typeUrl = (name: string): string => `type.googleapis.com/google.rpc.${name}`;
const referenceTo = (name: string): Schema => ({ $ref: `#/components/schemas/google.rpc.${name}` });

/** Schemas of the body of failures, by name. */
export function errorSchemas(): Record<string, Schema> {
  const schemas: Record<string, Schema> = {};
  for (const [name, { about, fields }] of Object.entries(DETAILS)) {
    schemas[`google.rpc.${name}`] = {
      type: "object",
      description: about,
      properties: { "@type": { type: "string", enum: [typeUrl(name)] }, ...fields },
      required: ["@type"],
    };
  }
  const names = Object.keys(DETAILS);
  const mapping = names.map((name) => [typeUrl(name), referenceTo(name).$ref!] as const);
  schemas["google.rpc.Status"] = {
    type: "object",
    description: "How a call failed.",
    properties: {
      code: {
        type: "integer",
        format: "int32",
        description: "Canonical status: 3 is INVALID_ARGUMENT, 5 is NOT_FOUND, and so on.",
        minimum: 1,
        maximum: 16,
      },
      message: text("What failed, for developers."),
      details: {
        type: "array",
        description: "More, for programs. Each kind of detail stands there at most once.",
        items: {
          oneOf: names.map(referenceTo),
          discriminator: { propertyName: "@type", mapping: Object.fromEntries(mapping) },
        },
      },
    },
    required: ["code", "message"],
  };
  return schemas;
}

const INVALID: Schema = {
  code: 3,
  message: "market_id must be a UUID",
  details: [
    {
      "@type": typeUrl("ErrorInfo"),
      reason: "CONTRACT_VIOLATION",
      domain: "cqc",
      metadata: {},
    },
    {
      "@type": typeUrl("BadRequest"),
      fieldViolations: [
        { field: "market_id", description: "must be a UUID", reason: "string.uuid" },
      ],
    },
  ],
};

const UNKNOWN: Schema = {
  code: 5,
  message: "No market BTCUSD at binance",
  details: [
    { "@type": typeUrl("ErrorInfo"), reason: "MARKET_NOT_FOUND", domain: "cqc" },
    {
      "@type": typeUrl("ResourceInfo"),
      resourceType: "cqc.markets.v1.Market",
      resourceName: "binance:BTCUSD",
    },
  ],
};

const UNAVAILABLE: Schema = {
  code: 14,
  message: "The venue does not answer",
  details: [
    { "@type": typeUrl("ErrorInfo"), reason: "VENUE_UNAVAILABLE", domain: "cqc" },
    { "@type": typeUrl("RetryInfo"), retryDelay: "2s" },
  ],
};

/** The answers that are failures, by name. */
export function errorResponses(): Record<string, Schema> {
  const response = (description: string, examples: Record<string, Schema>): Schema => ({
    description,
    content: {
      "application/json": {
        schema: referenceTo("Status"),
        examples: Object.fromEntries(
          Object.entries(examples).map(([name, value]) => [name, { value }]),
        ),
      },
    },
  });
  return {
    Refused: response(
      "The request was refused: 400 INVALID_ARGUMENT, FAILED_PRECONDITION or OUT_OF_RANGE, " +
        "401 UNAUTHENTICATED, 403 PERMISSION_DENIED, 404 NOT_FOUND, 409 ALREADY_EXISTS or ABORTED, " +
        "429 RESOURCE_EXHAUSTED, 499 CANCELLED.",
      { INVALID_ARGUMENT: INVALID, NOT_FOUND: UNKNOWN },
    ),
    Failed: response(
      "The service failed: 500 INTERNAL, UNKNOWN or DATA_LOSS, 501 UNIMPLEMENTED, " +
        "503 UNAVAILABLE, 504 DEADLINE_EXCEEDED.",
      { UNAVAILABLE },
    ),
  };
}

/** Reasons that the examples name and the contracts do not have. */
export function unknownReasons(desc: DescEnum): string[] {
  const reasons = [INVALID, UNKNOWN, UNAVAILABLE].flatMap(({ details }) =>
    (details as Schema[]).flatMap(({ reason }) => typeof reason === "string" ? [reason] : [])
  );
  return reasons.filter((each) => !desc.values.some(({ name }) => name === `ERROR_REASON_${each}`));
}
