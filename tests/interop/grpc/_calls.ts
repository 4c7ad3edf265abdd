// The calls that every client makes, and what must come of each whoever serves.
import type { JsonObject } from "@bufbuild/protobuf";
import { Buffer } from "node:buffer";
import { encode, fromJson, type JsonValue, messageType, toJson } from "../../../contracts/mod.ts";
import { PriceSchema } from "../../../gen/ts/cqc/markets/v1/mod.ts";
import {
  AssetRegistry,
  MarketData,
  Portfolio,
  RiskEngine,
  StreamPricesResponseSchema,
  VenueGateway,
} from "../../../gen/ts/cqc/services/v1/mod.ts";
import type { Vector } from "../../../tools/vectors/vector.ts";
import { MARKETS, priceAt, pricePayload, subscribed, wholeStream } from "./_scenarios.ts";

/** One call, as a client reads it. */
export interface Call {
  /** Name, unique. */
  readonly name: string;
  /** Host and port of the server. */
  readonly address: string;
  /** Service of `cqc.services.v1`. */
  readonly service: string;
  /** RPC of the service. */
  readonly method: string;
  /** The request, in binary and base64. */
  readonly request: string;
  /** Metadata to send; what ends in `-bin` is bytes in base64. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of metadata to tell of. */
  readonly names: readonly string[];
  /** Milliseconds that the call may take; 0 for any. */
  readonly timeoutMs: number;
  /** Messages after which the client cancels; 0 for never. */
  readonly take: number;
  /** Whether to tell which rules the client itself finds broken. */
  readonly check: boolean;
  /** Whether to send compressed messages. */
  readonly compress: boolean;
}

/** What came of a call. */
export interface Answer {
  /** Name of the call. */
  readonly name: string;
  /** Number of the gRPC status. */
  readonly code: number;
  /** Message of the status. */
  readonly text: string;
  /** The messages received. */
  readonly messages: readonly JsonValue[];
  /** The details of the error by the full name of their type. */
  readonly details: Readonly<Record<string, JsonValue>>;
  /** What was asked for of the metadata before the messages. */
  readonly header: Readonly<Record<string, string>>;
  /** What was asked for of the metadata behind them. */
  readonly trailer: Readonly<Record<string, string>>;
  /** The rules that the request breaks for the client, as "field rule", in order. */
  readonly rules: readonly string[];
}

/** A call and what must come of it. */
export interface Case {
  /** What to do. */
  readonly call: Call;
  /** What must come of it; whatever is absent may be anything. */
  readonly want: Omit<Partial<Answer>, "name">;
}

type Options = Partial<Omit<Call, "name" | "service" | "method" | "request">>;

function callOf(service: string, method: string, request: Uint8Array, name: string): Call {
  return {
    name,
    service,
    method,
    request: Buffer.from(request).toString("base64"),
    address: "",
    metadata: {},
    names: [],
    timeoutMs: 0,
    take: 0,
    check: false,
    compress: false,
  };
}

function marketCase(
  name: string,
  [method, json, options = {}]: [string, JsonObject, Options?],
  want: Case["want"],
): Case {
  const type = messageType(`cqc.services.v1.${method}Request`)!;
  const request = encode(type, fromJson(type, json));
  return { call: { ...callOf("MarketData", method, request, name), ...options }, want };
}

const info = (reason: string, code: string): JsonObject => ({
  reason,
  domain: "cqc",
  metadata: { code },
});

const notFound: Case["want"] = {
  code: 5,
  text: "Cannot find the market",
  messages: [],
  details: {
    "google.rpc.ErrorInfo": info("MARKET_NOT_FOUND", "CQI_NOT_FOUND"),
    "google.rpc.ResourceInfo": {
      resource_type: "cqc.markets.v1.Market",
      resource_name: MARKETS.unknown,
    },
  },
};

const RETRY: JsonObject = { retry_delay: "1.500s" };

/** The rules that are broken, and the same in the details: the client and the server agree. */
function invalid(...rules: readonly (readonly [field: string, rule: string])[]): Case["want"] {
  return {
    code: 3,
    messages: [],
    rules: rules.map(([field, rule]) => `${field} ${rule}`).sort(),
    details: {
      "google.rpc.ErrorInfo": info("CONTRACT_VIOLATION", "CQI_CONTRACT_INVALID"),
      "google.rpc.BadRequest": {
        field_violations: rules.map(([field, reason]) => ({
          ...field !== "" && { field },
          reason,
        })),
      },
    },
  };
}

const price = (market: string, sequence: number): JsonValue =>
  toJson(PriceSchema, priceAt(market, sequence));
const streamed = (market: string, ...sequences: readonly number[]): JsonValue[] => [
  toJson(StreamPricesResponseSchema, subscribed(market, 0)),
  ...sequences.map((sequence) =>
    toJson(StreamPricesResponseSchema, pricePayload(market, sequence))
  ),
];
const whole = (after: number): JsonValue[] =>
  [...wholeStream(MARKETS.priced, after)].map((each) => toJson(StreamPricesResponseSchema, each));

const ID = { "x-request-id": "0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d13" };
// Base64 of 0, 255, 10, 128: nothing that a text could be.
const BYTES = { "x-echo-bin": "AP8KgA==" };
const METADATA = { metadata: { ...ID, ...BYTES }, names: ["x-request-id", "x-echo-bin"] };

/** The calls that are made of every server. */
export const MARKET_CASES: readonly Case[] = [
  marketCase("a price, with metadata both ways", ["GetPrice", {
    market_id: MARKETS.priced,
  }, { ...METADATA, check: true }], {
    code: 0,
    text: "",
    messages: [{ price: price(MARKETS.priced, 1) }],
    details: {},
    header: ID,
    trailer: BYTES,
    rules: [],
  }),
  marketCase("a compressed page of a thousand prices", ["ListPrices", {
    market_id: MARKETS.priced,
    page_size: 1_000,
  }, { compress: true }], {
    code: 0,
    messages: [{
      prices: Array.from({ length: 1_000 }, (_, index) => price(MARKETS.priced, index + 1)),
      next_page_token: "next",
    }],
  }),
  marketCase(
    "a stream to its end, with metadata both ways",
    ["StreamPrices", { market_ids: [MARKETS.priced] }, METADATA],
    { code: 0, messages: whole(0), details: {}, header: ID, trailer: BYTES },
  ),
  marketCase("a stream that is taken up again", ["StreamPrices", {
    market_ids: [MARKETS.priced],
    resume_token: "seq:497",
  }], { code: 0, messages: whole(497) }),
  marketCase(
    "a stream that is cancelled in the middle",
    ["StreamPrices", { market_ids: [MARKETS.endless] }, { take: 4 }],
    { code: 1 },
  ),
  marketCase(
    "a stream that fails in the middle",
    ["StreamPrices", { market_ids: [MARKETS.failing] }],
    {
      code: 14,
      messages: streamed(MARKETS.failing, 1, 2),
      details: {
        "google.rpc.ErrorInfo": info("VENUE_UNAVAILABLE", "CQI_UNAVAILABLE"),
        "google.rpc.RetryInfo": RETRY,
      },
    },
  ),
  marketCase(
    "an invalid request",
    ["GetPrice", {
      market_id: "BTCUSDT",
      price_type: 99,
      max_age: "-1s",
    }, { check: true }],
    invalid(["market_id", "string.uuid"], ["price_type", "enum.defined_only"], [
      "max_age",
      "duration.gt",
    ]),
  ),
  marketCase(
    "an empty request",
    ["GetPrice", {}, { check: true }],
    invalid(["selector", "required"]),
  ),
  marketCase(
    "an invalid request for a stream",
    ["StreamPrices", {
      venue_symbols: ["binance:BTCUSDT", "Binance BTCUSDT", "binance:BTCUSDT"],
      price_types: ["PRICE_TYPE_UNSPECIFIED"],
      heartbeat_interval: "0.500s",
    }, { check: true }],
    invalid(
      ["venue_symbols", "repeated.unique"],
      ["venue_symbols[1]", "string.pattern"],
      ["price_types[0]", "enum.in"],
      ["heartbeat_interval", "duration.gte_lte"],
    ),
  ),
  marketCase(
    "a request for a stream that breaks a rule over several fields",
    ["StreamPrices", {}, { check: true }],
    invalid(["", "stream_prices_request.one_to_200_markets"]),
  ),
  marketCase("an unknown market", ["GetPrice", { market_id: MARKETS.unknown }], notFound),
  marketCase(
    "a stream of an unknown market",
    ["StreamPrices", { market_ids: [MARKETS.unknown] }],
    notFound,
  ),
  marketCase("a price that is too old", ["GetPrice", { market_id: MARKETS.stale }], {
    code: 14,
    details: {
      "google.rpc.ErrorInfo": info("STALE_MARKET_DATA", "CQI_UNAVAILABLE"),
      "google.rpc.RetryInfo": RETRY,
    },
  }),
  marketCase("a defect of the server", ["GetPrice", { market_id: MARKETS.broken }], {
    code: 13,
    text: "INTERNAL",
    details: { "google.rpc.ErrorInfo": info("INTERNAL", "CQI_INTERNAL") },
  }),
  marketCase(
    "a deadline of a unary call",
    ["GetPrice", { market_id: MARKETS.slow }, { timeoutMs: 200 }],
    { code: 4, messages: [] },
  ),
  marketCase(
    "a deadline of a stream",
    ["StreamPrices", { market_ids: [MARKETS.slow] }, { timeoutMs: 400 }],
    { code: 4, messages: streamed(MARKETS.slow) },
  ),
  marketCase(
    "a call that is not offered",
    ["ListTrades", { market_id: MARKETS.priced }],
    { code: 12, messages: [] },
  ),
];

/** What the server must have said once a client is through: each call that never ends was freed. */
export const FREED: readonly string[] = ["StreamPrices", "GetPrice", "StreamPrices"];

const SERVICES = { AssetRegistry, MarketData, Portfolio, RiskEngine, VenueGateway };

/** Each RPC of each service, with the full request and what the server answers it with. */
export function everyCall(vectors: readonly Vector[]): Case[] {
  const valid = Map.groupBy(
    vectors.filter(({ json }) => json !== undefined),
    (vector) => vector.type,
  );
  const full = (type: string): Vector => valid.get(type)!.find(({ name }) => name === "full")!;
  return Object.entries(SERVICES).flatMap(([service, { methods }]) =>
    methods.map(({ name, input, output, methodKind }) => {
      const request = full(input.typeName).bytes;
      const answers = methodKind === "unary"
        ? [full(output.typeName)]
        : valid.get(output.typeName)!;
      return {
        call: callOf(service, name, request, `${service}.${name}`),
        want: { code: 0, messages: answers.map(({ json }) => json!) },
      };
    })
  );
}
