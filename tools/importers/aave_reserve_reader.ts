import { MarketSchema } from "../../gen/ts/cqc/markets/v1/mod.ts";
import { type AavePool, networkOf, poolOf } from "./aave_venues.ts";
import { addressProblems } from "./evm_token.ts";
import { type Reason, rowProblem } from "./outcome.ts";
import { rowReader } from "./row_reader.ts";

/** A reserve as the package has it; the rows hold any JSON value. */
export interface AaveReserveRow {
  /** Name of the pool's export, for example `AaveV3Ethereum`. */
  readonly poolName: string;
  /** The export. */
  readonly pool: unknown;
  /** Key of the reserve in the pool, for example `WETH`. */
  readonly key: string;
  /** The reserve. */
  readonly row: unknown;
}

/** What a row says. */
export interface AaveReserve {
  readonly pool: AavePool;
  readonly key: string;
  /** EVM chain id, 0 where the row says none. */
  readonly network: number;
  /** Number of the reserve in its pool. */
  readonly number: number;
  readonly decimals: number | undefined;
  /** The token that is lent, without capitals. */
  readonly underlying: string;
  /** The token for deposits. */
  readonly aToken: string;
  /** The token for debt. */
  readonly vToken: string;
  /** All addresses by what they are, for the metadata. */
  readonly addresses: Readonly<Record<string, string>>;
}

const ZERO = `0x${"0".repeat(40)}`;
const TOKENS: readonly string[] = ["UNDERLYING", "A_TOKEN", "V_TOKEN"];
/** The package writes the zero address for one of these that a reserve does not have. */
const PARTS: readonly string[] = ["ORACLE", "INTEREST_RATE_STRATEGY"];

/**
 * Reads a reserve.
 *
 * @param from The reserve.
 * @returns What it says, unless its pool has no name to be known by, and what is wrong with it.
 */
export function readReserve(from: AaveReserveRow): [AaveReserve | undefined, Reason[]] {
  const reader = rowReader(from.row);
  const poolReader = rowReader(from.pool);
  const network = networkOf(poolReader) ?? 0;
  const poolAddress = poolReader.text("POOL") ?? "";
  const problems = [
    ...addressProblems(MarketSchema.typeName, "metadata.pool", poolAddress),
    ...poolReader.problems.map((each) => ({ ...each, field: `${from.poolName}.${each.field}` })),
  ];
  const addresses: Record<string, string> = { pool: poolAddress.toLowerCase() };
  for (const name of [...TOKENS, ...PARTS]) {
    const address = reader.text(name) ?? "";
    if (PARTS.includes(name) && (address === "" || address === ZERO)) continue;
    problems.push(...addressProblems("", name, address));
    addresses[name.toLowerCase()] = address.toLowerCase();
  }
  const number = reader.integer("id");
  if (number === undefined || number < 0) {
    problems.push(rowProblem("id", "required", "must be the number of the reserve"));
  }
  const decimals = reader.integer("decimals");
  problems.push(...reader.problems);
  const pool = poolOf(from.poolName);
  if (pool === undefined) {
    problems.push(rowProblem("", "pool_name", "the pool must be Aave, a version and a network"));
    return [undefined, problems];
  }
  const reserve = {
    pool,
    network,
    decimals,
    addresses,
    key: from.key,
    number: number ?? 0,
    underlying: addresses["underlying"] ?? "",
    aToken: addresses["a_token"] ?? "",
    vToken: addresses["v_token"] ?? "",
  };
  return [reserve, problems];
}
