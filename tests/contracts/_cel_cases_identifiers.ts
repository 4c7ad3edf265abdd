import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.identifiers.v1 that break its rules over several fields. */
export const IDENTIFIERS_CASES: Cases = {
  "identifier.id_matches_entity_type": {
    type: "cqc.identifiers.v1.Identifier",
    breaks: [{ "entity_type": "ASSET" }, {
      "market_id": null,
      "instrument_id": "9a8b7c6d-5e4f-4a3b-8c1d-0e9f8a7b6c5d",
    }],
  },
  "identifier.updated_not_before_created": {
    type: "cqc.identifiers.v1.Identifier",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
};
