import type { Cases } from "./_cel_cases.ts";

/** Changes to the Examples of cqc.assets.v1 that break its rules over several fields. */
export const ASSETS_CASES: Cases = {
  "asset.updated_not_before_created": {
    type: "cqc.assets.v1.Asset",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "chain.evm_has_network": { type: "cqc.assets.v1.Chain", breaks: [{ "network_id": null }] },
  "chain.evm_caip2": {
    type: "cqc.assets.v1.Chain",
    breaks: [{ "caip2_id": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }, { "chain_type": "SVM" }],
  },
  "chain.updated_not_before_created": {
    type: "cqc.assets.v1.Chain",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_deployment.native_or_address": {
    type: "cqc.assets.v1.AssetDeployment",
    breaks: [{ "address": null }, { "is_native": true }],
  },
  "asset_deployment.id_starts_with_chain": {
    type: "cqc.assets.v1.AssetDeployment",
    breaks: [{ "chain_id": "base" }, { "deployment_id": "ethereum-0xdac17f" }],
  },
  "asset_deployment.updated_not_before_created": {
    type: "cqc.assets.v1.AssetDeployment",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_identifier.updated_not_before_created": {
    type: "cqc.assets.v1.AssetIdentifier",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_relationship.not_to_itself": {
    type: "cqc.assets.v1.AssetRelationship",
    breaks: [{ "to_asset_id": "8f2d6c41-5b3a-4e97-a1c8-0d9e7f6b5a24" }],
  },
  "asset_relationship.variable_has_no_rate": {
    type: "cqc.assets.v1.AssetRelationship",
    breaks: [{ "is_rate_variable": true }],
  },
  "asset_relationship.valid_to_after_valid_from": {
    type: "cqc.assets.v1.AssetRelationship",
    breaks: [{ "valid_to": "2020-01-01T00:00:00Z", "valid_from": "2030-01-01T00:00:00Z" }, {
      "valid_to": "2030-01-01T00:00:00Z",
      "valid_from": "2030-01-01T00:00:00Z",
    }],
  },
  "asset_relationship.updated_not_before_created": {
    type: "cqc.assets.v1.AssetRelationship",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_group_member.removed_not_before_added": {
    type: "cqc.assets.v1.AssetGroupMember",
    breaks: [{ "removed_at": "2020-01-01T00:00:00Z", "added_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_group.members_of_this_group": {
    type: "cqc.assets.v1.AssetGroup",
    breaks: [{ "group_id": "17f6e5d4-c3b2-4a19-8087-6f5e4d3c2b1a" }],
  },
  "asset_group.members_once": {
    type: "cqc.assets.v1.AssetGroup",
    breaks: [{
      "members": [{
        "member_id": "b6a1f3d2-7c48-4e95-8f20-1d3c5b7a9e64",
        "group_id": "4d7e2f18-93ab-4c56-b0d1-8e5f6a7c9b32",
        "asset_id": "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        "weight": 1,
        "added_at": "2026-01-02T08:00:00Z",
      }, {
        "member_id": "b6a1f3d2-7c48-4e95-8f20-1d3c5b7a9e64",
        "group_id": "4d7e2f18-93ab-4c56-b0d1-8e5f6a7c9b32",
        "asset_id": "5d1b3f0e-7a44-4c0c-8b57-52f3c6c2a901",
        "weight": 1,
        "added_at": "2026-01-02T08:00:00Z",
      }],
    }],
  },
  "asset_group.updated_not_before_created": {
    type: "cqc.assets.v1.AssetGroup",
    breaks: [{ "updated_at": "2020-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_quality_flag.resolved_by_whom": {
    type: "cqc.assets.v1.AssetQualityFlag",
    breaks: [{ "resolved_by": null }, { "resolved_at": null }],
  },
  "asset_quality_flag.resolved_not_before_raised": {
    type: "cqc.assets.v1.AssetQualityFlag",
    breaks: [{ "resolved_at": "2020-01-01T00:00:00Z", "raised_at": "2030-01-01T00:00:00Z" }],
  },
  "asset_quality_flag.expires_after_raised": {
    type: "cqc.assets.v1.AssetQualityFlag",
    breaks: [{ "expires_at": "2020-01-01T00:00:00Z", "raised_at": "2030-01-01T00:00:00Z" }, {
      "expires_at": "2030-01-01T00:00:00Z",
      "raised_at": "2030-01-01T00:00:00Z",
    }],
  },
};
