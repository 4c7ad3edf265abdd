import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import * as ledger from "./_exact_ledger.ts";
import * as markets from "./_exact_markets.ts";
import type { Violation } from "./validate.ts";

type Check = (message: never) => Violation[];

const CHECKS: Readonly<Record<string, Check>> = {
  "cqc.events.v1.PriceUpdated": ledger.priceUpdated,
  "cqc.markets.v1.Candle": markets.candle,
  "cqc.markets.v1.OrderBook": markets.orderBook,
  "cqc.markets.v1.PerpMarketDetails": markets.perpMarketDetails,
  "cqc.observability.v1.MetricDefinition": ledger.metricDefinition,
  "cqc.portfolio.v1.Exposure": ledger.exposure,
  "cqc.portfolio.v1.Transaction": ledger.transaction,
  "cqc.venues.v1.Balance": ledger.balance,
};

/**
 * What does not add up in a message though every rule holds: the checks that ask for exact
 * arithmetic or for order, which rules cannot state. Totals of balances and exposures, the order of
 * a book, the length of a candle, the signs of a transaction, margin tiers, histogram bounds, and
 * the change of a price.
 *
 * Only the message itself is checked, not what it contains. Fields that break their rules are left
 * out here: `violations` names them.
 *
 * @param schema Descriptor of the message.
 * @param message The message.
 * @returns One entry for each thing that does not add up; empty for a message without such checks.
 *
 * @example
 * ```ts
 * import { inconsistencies } from "@cq/cqi/contracts";
 * import { BalanceSchema } from "@cq/cqi/cqc/venues/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const balance = create(BalanceSchema, { total: "10.1", available: "10", locked: "0.2" });
 * assert.equal(inconsistencies(BalanceSchema, balance)[0]?.rule, "balance.total_is_sum");
 * ```
 */
export function inconsistencies<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Violation[] {
  return CHECKS[schema.typeName]?.(message as never) ?? [];
}
