import type { JsonValue } from "../../contracts/mod.ts";
import { example } from "../../tests/contracts/_image.ts";
import type { JsonObject } from "./vector.ts";

const later = "2030-01-01T00:00:00Z";

/** Changes to the Example of a message; null takes a field out. */
type Change = Readonly<Record<string, JsonValue>>;

/** Changes to an Example within a field. */
const inside = (type: string, field: string, change: Change): JsonObject => ({
  ...example(type)[field] as JsonObject,
  ...change,
});

const KINDS: Readonly<Record<string, [kind: string, message: string]>> = {
  spot: ["SPOT", "SpotInstrument"],
  perp: ["PERPETUAL", "PerpContract"],
  future: ["FUTURE", "FutureContract"],
  option: ["OPTION", "OptionSeries"],
  deposit: ["LENDING_DEPOSIT", "LendingDeposit"],
  borrow: ["LENDING_BORROW", "LendingBorrow"],
};

/** Takes the fields out that are null. */
export function changed(type: string, change: Change): JsonObject {
  const fields = Object.entries({ ...example(type), ...change });
  return Object.fromEntries(fields.filter(([, value]) => value !== null));
}

/** Changes that set one kind of instrument, and only that. */
function instrument(type: string, field: string): Change {
  const others = Object.keys(KINDS).filter((each) => each !== field);
  const [kind = "", message = ""] = KINDS[field] ?? [];
  const isNew = type === "cqc.services.v1.CreateInstrumentRequest";
  return {
    ...Object.fromEntries(others.map((each) => [each, null])),
    ...(isNew
      ? { instrument_type: kind }
      : { instrument: inside(type, "instrument", { instrument_type: kind }) }),
    [field]: example(isNew ? `cqc.services.v1.New${message}` : `cqc.markets.v1.${message}`),
  };
}

const TRAILING: Change = {
  order_type: "ORDER_TYPE_TRAILING_STOP",
  price: null,
  post_only: null,
  trailing_offset: "5",
  trailing_offset_unit: "TRAILING_OFFSET_UNIT_PRICE",
};
const ALGO: Change = { order_type: "ORDER_TYPE_TWAP", price: null, post_only: null, algo: {} };
const RESOLVED: Change = {
  status: "ALERT_STATUS_RESOLVED",
  resolved_at: later,
  resolved_by: "user:ada",
  expires_at: null,
};
const identifier = (field: string): Change => ({
  asset_id: null,
  instrument_id: null,
  market_id: null,
  entity_type: field.replace("_id", "").toUpperCase(),
  [field]: "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
});

/** Changes to Examples for fields that ask for several other changes at once. */
const CHANGES: Readonly<Record<string, Change>> = {
  "cqc.config.v1.JwtAuthConfig.secret": {
    jwks_uri: null,
    secret: { env: "S" },
    algorithms: ["HS256"],
  },
  "cqc.config.v1.SaslConfig.token": {
    mechanism: "OAUTHBEARER",
    username: null,
    password: null,
    token: { env: "TOKEN" },
  },
  "cqc.identifiers.v1.Identifier.asset_id": identifier("asset_id"),
  "cqc.identifiers.v1.Identifier.instrument_id": identifier("instrument_id"),
  "cqc.services.v1.CreateIdentifierRequest.asset_id": identifier("asset_id"),
  "cqc.services.v1.CreateIdentifierRequest.instrument_id": identifier("instrument_id"),
  "cqc.portfolio.v1.Position.closed_at": {
    side: "POSITION_SIDE_FLAT",
    quantity: "0",
    closed_at: later,
    updated_at: later,
    as_of: later,
  },
  "cqc.risk.v1.Alert.resolved_at": RESOLVED,
  "cqc.risk.v1.Alert.resolved_by": RESOLVED,
  "cqc.venues.v1.NewOrder.trailing_offset": TRAILING,
  "cqc.venues.v1.Order.trailing_offset": TRAILING,
  "cqc.venues.v1.NewOrder.algo": ALGO,
  "cqc.venues.v1.Order.algo": ALGO,
};

/** A message with a field that nothing simpler than a change by hand can set. */
export function byHand(type: string, field: string): JsonObject | undefined {
  const change = CHANGES[`${type}.${field}`] ??
    (/Instrument(?:Created|Request|Response)$/.test(type) && field in KINDS
      ? instrument(type, field)
      : undefined);
  return change === undefined ? undefined : changed(type, change);
}
