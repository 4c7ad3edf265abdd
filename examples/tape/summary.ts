import { type cache, contracts } from "../../mod.ts";
import type { Price } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { disagreementsOf } from "./agreement.ts";
import { alerts, orders, positions, prices } from "./events.ts";
import type { Handlers } from "./handlers.ts";
import type { Told } from "./ledger.ts";
import { counterSum, type Measure } from "./measure.ts";
import type { Replayed } from "./replay.ts";
import type { TapeService } from "./run.ts";
import type { TapeSettings } from "./settings.ts";

const { decimal } = contracts;

/** The end of a run. Amounts are exact decimals. */
export interface Summary {
  readonly rows: number;
  readonly skipped: number;
  /** Publications by full message name; an event published twice counts twice. */
  readonly events: Readonly<Record<string, number>>;
  readonly handled: number;
  readonly retried: number;
  readonly deadLettered: number;
  readonly candles: number;
  readonly volume: string;
  readonly notional: string;
  readonly lastPrice: string | null;
  readonly position: string;
  readonly cash: string;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly url: string;
  /** What does not agree; empty when all does. */
  readonly disagreements: readonly string[];
  readonly agrees: boolean;
}

interface Parts {
  readonly replayed: Replayed;
  readonly seen: Measure;
  readonly told: Told;
  readonly handlers: Handlers;
  readonly latest: cache.Keyspace<Price>;
  readonly seconds: number;
  readonly url: string;
}

/** Asks the database, the bus and the cache how it ended, and holds it against the tape. */
export async function summarize(
  app: TapeService,
  tape: TapeSettings,
  { replayed, seen, told, handlers, latest, seconds, url }: Parts,
): Promise<Summary> {
  const { database, registry } = app;
  const candles = await database.sql<
    { count: bigint; trades: string; volume: string; notional: string }
  >`
    select count(*), coalesce(sum(trades), 0) trades, coalesce(sum(volume), 0) volume, coalesce(sum(notional), 0) notional
    from candles where market_id = ${tape.marketId}`.one();
  const held = await database.sql<{ quantity: string; cash: string; fills: bigint }>`
    select quantity, cash, fills from positions where portfolio_id = ${tape.portfolioId}`
    .maybeOne();
  const fills = await database.sql<{ position: string; cash: string }>`
    select coalesce(sum(quantity), 0) position,
      ${tape.startingCash}::numeric - coalesce(sum(quantity * price + fee), 0) cash
    from fills where portfolio_id = ${tape.portfolioId}`.one();
  const price = await latest.get(tape.marketId);
  const counted = (label: string): Promise<number> =>
    counterSum(registry, "cqi_bus_consumed_total", label);
  const published = async (topic: string): Promise<number> =>
    await handlers.published(topic) ??
      counterSum(registry, "cqi_bus_published_total", `${topic}",result="ok"`);
  const events: Record<string, number> = {};
  for (const topic of [prices, orders, positions, alerts]) {
    events[topic.schema.typeName] = await published(topic.name);
  }
  const handled = await counted('result="handled"');
  const summary = {
    rows: replayed.rows,
    skipped: replayed.skipped,
    events,
    handled,
    retried: await counterSum(registry, "cqi_bus_retried_total"),
    deadLettered: await counted('result="dead_lettered"'),
    candles: Number(candles.count),
    volume: decimal.normalize(candles.volume),
    notional: decimal.normalize(candles.notional),
    lastPrice: price === undefined ? null : price.price,
    position: decimal.normalize(held?.quantity ?? "0"),
    cash: decimal.normalize(held?.cash ?? tape.startingCash),
    seconds: Math.round(seconds * 1000) / 1000,
    eventsPerSecond: Math.round(handled / seconds),
    p50Ms: seen.quantileMs(0.5),
    p99Ms: seen.quantileMs(0.99),
    url,
  };
  const disagreements = disagreementsOf(summary, {
    skipped: replayed.skipped,
    expected: replayed.expected.result(),
    told,
    fills,
    booked: Number(held?.fills ?? 0n),
    counted: Number(candles.trades),
  });
  return { ...summary, disagreements, agrees: disagreements.length === 0 };
}

/** The summary for people. */
export function summaryText(summary: Summary): string {
  const rows: [string, string][] = [
    ["trades published", `${summary.rows} (${summary.skipped} lines skipped)`],
    ...Object.entries(summary.events).map(([name, count]): [string, string] => [name, `${count}`]),
    ["handled", `${summary.handled}`],
    ["retried", `${summary.retried}`],
    ["dead-lettered", `${summary.deadLettered}`],
    ["throughput", `${summary.eventsPerSecond} deliveries/s in ${summary.seconds} s`],
    ["publish to handled", `p50 ${summary.p50Ms} ms, p99 ${summary.p99Ms} ms`],
    ["candles", `${summary.candles}, volume ${summary.volume}, notional ${summary.notional}`],
    ["last price", summary.lastPrice ?? "none"],
    ["final position", summary.position],
    ["final cash", summary.cash],
    ["database, events and tape", summary.agrees ? "agree" : "DO NOT AGREE"],
    ...summary.disagreements.map((what): [string, string] => ["", what]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
