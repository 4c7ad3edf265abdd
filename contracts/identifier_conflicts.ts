import type { AssetIdentifier } from "../gen/ts/cqc/assets/v1/mod.ts";
import type { Violation } from "./validate.ts";

/**
 * What contradicts in a set of outside ids: two records for one id of a source, or two primary ids
 * of one asset at one source.
 *
 * @param identifiers The records, in any order.
 * @returns One entry for each record that contradicts an earlier one; `field` has its place.
 *
 * @example
 * ```ts
 * import { identifierConflicts } from "@cq/cqi/contracts";
 * import { AssetIdentifierSchema, DataSource } from "@cq/cqi/cqc/assets/v1";
 * import { create } from "@bufbuild/protobuf";
 * import assert from "node:assert/strict";
 *
 * const id = create(AssetIdentifierSchema, {
 *   source: DataSource.COINGECKO,
 *   externalId: "tether",
 * });
 * assert.equal(identifierConflicts([id, id])[0]?.field, "[1].external_id");
 * ```
 */
export function identifierConflicts(identifiers: Iterable<AssetIdentifier>): Violation[] {
  const ids = new Set<string>();
  const primaries = new Set<string>();
  const found: Violation[] = [];
  let at = 0;
  for (const { source, externalId, assetId, isPrimary } of identifiers) {
    const id = `${source} ${externalId}`;
    if (ids.has(id)) {
      found.push({
        field: `[${at}].external_id`,
        rule: "asset_identifier.id_once",
        message: "an id of a source may be registered once",
      });
    }
    ids.add(id);
    const primary = `${source} ${assetId}`;
    if (isPrimary && primaries.has(primary)) {
      found.push({
        field: `[${at}].is_primary`,
        rule: "asset_identifier.one_primary",
        message: "an asset may have one primary id per source",
      });
    }
    if (isPrimary) primaries.add(primary);
    at += 1;
  }
  return found;
}
