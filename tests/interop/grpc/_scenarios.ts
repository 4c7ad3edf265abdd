// What the servers of the gRPC tests do, market by market; the one in Go does the same.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Price, PriceSchema, PriceType } from "../../../gen/ts/cqc/markets/v1/mod.ts";
import {
  GapReason,
  type StreamPricesResponse,
  StreamPricesResponseSchema,
  SubscriptionState,
} from "../../../gen/ts/cqc/services/v1/mod.ts";

/** The markets by what is asked of them. */
export const MARKETS = {
  /** Has a price, and a stream that ends by itself. */
  priced: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11",
  /** Is not there. */
  unknown: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b12",
  /** Never answers: the call ends when its caller gives up. */
  slow: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b13",
  /** Makes the server fail in a way that clients must not see. */
  broken: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b14",
  /** Streams without end. */
  endless: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b15",
  /** Streams two prices and then fails. */
  failing: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b16",
  /** Has a price that is too old. */
  stale: "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b17",
} as const;

/** Prices in the stream that ends by itself. */
export const STREAMED = 500;

/** How long the error of a stale price asks to wait, in milliseconds. */
export const RETRY_MS = 1_500;

const FIRST_MS = 1_768_469_400_000;

/** Price of a market at a place in its sequence. */
export function priceAt(marketId: string, sequence: number): Price {
  return create(PriceSchema, {
    marketId,
    priceType: PriceType.LAST,
    price: `${64_000 + sequence}.50`,
    source: "binance",
    sequence: BigInt(sequence),
    observedAt: timestampFromMs(FIRST_MS + sequence),
  });
}

type Payload = MessageInitShape<typeof StreamPricesResponseSchema>["payload"];

const response = (payload: Payload, sequence: number): StreamPricesResponse =>
  create(StreamPricesResponseSchema, { payload: payload!, resumeToken: `seq:${sequence}` });

/** A price in a stream. */
export function pricePayload(marketId: string, sequence: number): StreamPricesResponse {
  return response({ case: "data", value: priceAt(marketId, sequence) }, sequence);
}

/** What comes first in a stream. */
export function subscribed(marketId: string, sequence: number): StreamPricesResponse {
  const value = { selector: marketId, state: SubscriptionState.ACTIVE };
  return response({ case: "subscriptionStatus", value }, sequence);
}

/** The stream that ends by itself, with each kind of message, behind a place in its sequence. */
export function* wholeStream(marketId: string, after: number): Generator<StreamPricesResponse> {
  yield subscribed(marketId, after);
  for (let sequence = after + 1; sequence <= STREAMED; sequence++) {
    yield pricePayload(marketId, sequence);
  }
  yield response({
    case: "gapNotice",
    value: {
      selector: marketId,
      fromSequence: BigInt(STREAMED + 1),
      toSequence: BigInt(STREAMED + 3),
      reason: GapReason.SEQUENCE,
    },
  }, STREAMED + 3);
  const serverTime = timestampFromMs(FIRST_MS);
  yield response({
    case: "heartbeat",
    value: { serverTime, lastSequence: BigInt(STREAMED + 3) },
  }, STREAMED + 3);
}

/** Sequence number of a resume token; 0 for none. */
export function sequenceOf(resumeToken: string): number {
  return Number(/^seq:(\d{1,9})$/.exec(resumeToken)?.[1] ?? 0);
}
