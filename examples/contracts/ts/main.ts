// deno-lint-ignore-file no-console -- an example shows what it does
// The contracts in TypeScript: make messages, check them, send them as JSON and bytes, compute with
// their decimals, read a list page by page. Runs as it is on Deno, Node and Bun.
//
// In a project of your own the imports are `@cq/cqi/contracts`, `@cq/cqi/errors`,
// `@cq/cqi/cqc/assets/v1` and so on.
import { clone, create, equals, isFieldSet, type MessageShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  decimal,
  decode,
  encode,
  fromJsonString,
  toJsonString,
  validate,
  type Violation,
} from "../../../contracts/mod.ts";
import { isCqiError } from "../../../errors/mod.ts";
import { AssetSchema, AssetType } from "../../../gen/ts/cqc/assets/v1/mod.ts";
import { PriceUpdatedSchema } from "../../../gen/ts/cqc/events/v1/mod.ts";
import { OrderType, PriceType, TimeInForce } from "../../../gen/ts/cqc/markets/v1/mod.ts";
import {
  ListAssetsRequestSchema,
  ListAssetsResponseSchema,
} from "../../../gen/ts/cqc/services/v1/mod.ts";
import { OrderSchema, OrderSide, OrderStatus } from "../../../gen/ts/cqc/venues/v1/mod.ts";

const MARKET_ID = "0b8f6a52-0c1f-4a53-9a1e-6f4dfd3a0b11";
const at = timestampFromDate(new Date("2026-01-15T09:30:00Z"));

/** The rules that a message breaks, `field rule` each, or "valid". */
function check<Desc extends typeof OrderSchema | typeof PriceUpdatedSchema>(
  schema: Desc,
  message: MessageShape<Desc>,
): string {
  try {
    validate(schema, message);
    return "valid";
  } catch (error) {
    if (!isCqiError(error, "CQI_CONTRACT_INVALID")) throw error;
    const violations = error.details.violations as readonly Violation[];
    return violations.map(({ field, rule }) => `${field || "message"} ${rule}`).sort().join(", ");
  }
}

// An order. What is not set is absent, not empty: ask with isFieldSet.
const order = create(OrderSchema, {
  orderId: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
  clientOrderId: "mm-20260115-000042",
  accountId: "a3bb189e-8bf9-4c0a-9b1b-3f0f3b6f4d10",
  marketId: MARKET_ID,
  venueId: "binance",
  side: OrderSide.BUY,
  orderType: OrderType.LIMIT,
  timeInForce: TimeInForce.GTC,
  quantity: "0.125",
  price: "64250.10",
  status: OrderStatus.PENDING_NEW,
  version: 1n,
  createdAt: at,
  updatedAt: at,
});
console.log(`order: ${check(OrderSchema, order)}`);
console.log(
  `venue's id: ${isFieldSet(order, OrderSchema.field.venueOrderId) ? "known" : "absent"}`,
);

// Copy with clone: a spread loses which fields are set.
const bad = clone(OrderSchema, order);
bad.quantity = "1e5";
bad.orderType = OrderType.MARKET;
console.log(`bad order: ${check(OrderSchema, bad)}`);

// Decimals are text, and stay exact. Compute on what was checked.
const notional = decimal.multiply(order.price, order.quantity);
const fee = decimal.multiply(notional, "0.0004");
const limit = decimal.roundToTick("64250.37", "0.25", { rounding: "floor" });
console.log(`notional: ${decimal.normalize(notional)}, fee: ${decimal.normalize(fee)}`);
console.log(`limit on the tick: ${limit}`);

// An event. A quotient has to be rounded: say how.
const [price, previous] = [order.price, "64249.90"];
const change = decimal.multiply(decimal.subtract(price, previous), "10000");
const event = create(PriceUpdatedSchema, {
  eventId: "0194c8f0-6b1e-7c3a-9f4d-2b8a5e6c7d10",
  timestamp: at,
  actorId: "service:cqmd",
  price: {
    marketId: MARKET_ID,
    priceType: PriceType.LAST,
    price,
    source: "binance",
    observedAt: at,
  },
  previousPrice: previous,
  changeBps: decimal.divide(change, previous, { scale: 4, rounding: "half-even" }),
});
console.log(`event: ${check(PriceUpdatedSchema, event)}`);

// JSON has the names of the contracts; bytes are what the bus carries.
const json = toJsonString(PriceUpdatedSchema, event);
const bytes = encode(PriceUpdatedSchema, event);
const decoded = decode(PriceUpdatedSchema, bytes);
const same = equals(PriceUpdatedSchema, event, decoded) &&
  equals(PriceUpdatedSchema, event, fromJsonString(PriceUpdatedSchema, json));
console.log(json);
console.log(`bytes: ${bytes.length}, decoded the same: ${same}`);
console.log(`time: ${timestampDate(decoded.timestamp!).toISOString().replace(".000", "")}`);
try {
  decode(PriceUpdatedSchema, bytes.subarray(0, -1));
} catch (error) {
  if (!isCqiError(error, "CQI_CONTRACT_DECODE")) throw error;
  console.log("bytes cut short: refused");
}

// Stands for a client: `createClient(AssetRegistry, transport)` has the same call, which waits.
const assets = ["BTC", "ETH", "SOL", "USDC", "USDT"].map((symbol) =>
  create(AssetSchema, { symbol, assetType: AssetType.NATIVE })
);
const client = {
  listAssets({ pageSize, pageToken }: MessageShape<typeof ListAssetsRequestSchema>) {
    const start = Number(pageToken);
    const end = start + pageSize;
    return create(ListAssetsResponseSchema, {
      assets: assets.slice(start, end),
      ...end < assets.length ? { nextPageToken: String(end) } : {},
    });
  },
};

// A list ends where next_page_token is absent or empty, not where a page is short.
let pageToken = "";
do {
  const page = client.listAssets(create(ListAssetsRequestSchema, { pageSize: 2, pageToken }));
  console.log(`page: ${page.assets.map(({ symbol }) => symbol).join(" ")}`);
  pageToken = page.nextPageToken;
} while (pageToken !== "");
