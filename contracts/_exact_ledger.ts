import type { PriceUpdated } from "../gen/ts/cqc/events/v1/mod.ts";
import type { MetricDefinition } from "../gen/ts/cqc/observability/v1/mod.ts";
import {
  type Exposure,
  LegRole,
  type Transaction,
  TransactionType as Type,
} from "../gen/ts/cqc/portfolio/v1/mod.ts";
import type { Balance } from "../gen/ts/cqc/venues/v1/mod.ts";
import { tryParse } from "./_decimal_parts.ts";
import { differ, total, units } from "./_units.ts";
import type { Violation } from "./validate.ts";

/** Total is what is available, locked and reserved. */
export function balance(value: Balance): Violation[] {
  const parts = total([value.available, value.locked, value.reserved]);
  return differ(units(value.total), parts)
    ? [{
      field: "total",
      rule: "balance.total_is_sum",
      message: "total must be available, locked and reserved together",
    }]
    : [];
}

/** Gross is long and short together, net is long less short. */
export function exposure({ long, short, gross, net }: Exposure): Violation[] {
  const [bought, sold] = [units(long), units(short)];
  if (bought === undefined || sold === undefined) return [];
  const found: Violation[] = [];
  if (differ(units(gross), bought + sold)) {
    found.push({
      field: "gross",
      rule: "exposure.gross_is_sum",
      message: "gross must be long and short together",
    });
  }
  if (differ(units(net), bought - sold)) {
    found.push({
      field: "net",
      rule: "exposure.net_is_difference",
      message: "net must be long less short",
    });
  }
  return found;
}

/** Signs of the principal and counter legs by type; a type that is not here may have any. */
const SIGNS: Readonly<Record<number, readonly [principal: 1 | -1, counter: 1 | -1]>> = {
  [Type.BUY]: [1, -1],
  [Type.SELL]: [-1, 1],
  [Type.DEPOSIT]: [1, -1],
  [Type.WITHDRAWAL]: [-1, 1],
  [Type.TRANSFER_IN]: [1, -1],
  [Type.TRANSFER_OUT]: [-1, 1],
  [Type.FEE]: [-1, 1],
  [Type.REBATE]: [1, -1],
  [Type.BORROW]: [1, -1],
  [Type.REPAY]: [-1, 1],
  [Type.REWARD]: [1, -1],
  [Type.AIRDROP]: [1, -1],
};

/** What comes in is positive, what goes out negative; a swap has both; a fee is not positive. */
export function transaction({ type, legs }: Transaction): Violation[] {
  const found: Violation[] = [];
  const signs = new Set<bigint>();
  for (const [at, leg] of legs.entries()) {
    const amount = units(leg.amount);
    if (amount === undefined || leg.role === LegRole.UNSPECIFIED) continue;
    const sign = amount > 0n ? 1n : amount < 0n ? -1n : 0n;
    const isFee = leg.role === LegRole.FEE;
    if (!isFee) signs.add(sign);
    const rule = SIGNS[type];
    const want = isFee ? -1 : rule?.[leg.role === LegRole.PRINCIPAL ? 0 : 1];
    const wrong = want !== undefined && (isFee ? sign > 0n : sign !== BigInt(want));
    if (wrong && !(isFee && type === Type.REBATE)) {
      found.push({
        field: `legs[${at}].amount`,
        rule: "transaction.leg_signs",
        message: "what comes in must be positive, and what goes out negative",
      });
    }
  }
  if (type === Type.SWAP && !(signs.has(1n) && signs.has(-1n))) {
    found.push({
      field: "legs",
      rule: "transaction.swap_gives_and_takes",
      message: "a swap must have a leg that comes in and one that goes out",
    });
  }
  return found;
}

/** The stated change is that of the prices, to the digits that it states, however rounded. */
export function priceUpdated({ price, previousPrice, changeBps }: PriceUpdated): Violation[] {
  const [now, before] = [units(price?.price ?? ""), units(previousPrice)];
  const stated = tryParse(changeBps);
  if (now === undefined || before === undefined || before === 0n || !stated) return [];
  const power = 10n ** BigInt(stated.scale);
  const error = stated.coefficient * before - (now - before) * 10_000n * power;
  const isClose = (error < 0n ? -error : error) < before;
  return isClose ? [] : [{
    field: "change_bps",
    rule: "price_updated.change_agrees",
    message: "change_bps must be the change from previous_price to the price in basis points",
  }];
}

/** Bounds of a histogram grow. */
export function metricDefinition({ buckets }: MetricDefinition): Violation[] {
  const at = buckets.findIndex((bound, index) => index > 0 && !(bound > buckets[index - 1]!));
  return at === -1 ? [] : [{
    field: `buckets[${at}]`,
    rule: "metric_definition.buckets_ascend",
    message: "each bound must be above the one before",
  }];
}
