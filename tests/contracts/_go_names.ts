/**
 * What the platform's Go service compiles against: enum values, calls and fields with their Go types, as its compiler
 * saw them. The fees of a venue's asset are decimal text here where that service has doubles.
 */

/** Values by enum. */
export const GO_ENUMS: Readonly<Record<string, string>> = {
  "cqc.assets.v1.AssetType":
    "ERC1155 ERC20 ERC721 LP_TOKEN NATIVE RECEIPT_TOKEN SPL SYNTHETIC UNSPECIFIED WRAPPED",
  "cqc.assets.v1.DataSource": "COINGECKO COINMARKETCAP DEFILLAMA INTERNAL MESSARI UNSPECIFIED",
  "cqc.assets.v1.FlagSeverity": "CRITICAL HIGH INFO LOW MEDIUM UNSPECIFIED",
  "cqc.assets.v1.FlagType":
    "DEPRECATED EXPLOITED HONEYPOT LOW_LIQUIDITY PAUSED RUGPULL SCAM TAX_TOKEN UNSPECIFIED UNVERIFIED",
  "cqc.assets.v1.RelationshipType":
    "BRIDGES FORKS_FROM LIQUIDITY_PAIR MIGRATES_TO REBASES_WITH STAKES SYNTHETIC_OF UNSPECIFIED WRAPS",
  "cqc.venues.v1.VenueType": "BRIDGE CEX DEX DEX_AGGREGATOR LENDING UNSPECIFIED",
};

/** Calls of AssetRegistry that its client makes. */
export const GO_CALLS =
  "AddAssetToGroup CreateAsset CreateAssetDeployment CreateAssetGroup CreateAssetIdentifier CreateAssetRelationship CreateChain DeleteAsset GetAsset GetAssetGroup GetChain ListAssetDeployments ListAssetRelationships ListAssets ListChains ListQualityFlags RaiseQualityFlag RemoveAssetFromGroup SearchAssets UpdateAsset";

/** Fields that it sets or reads, by message. */
export const GO_FIELDS: Readonly<Record<string, string>> = {
  "cqc.assets.v1.Asset":
    "AssetId:*string AssetType:*assetsv1.AssetType Category:*string CreatedAt:Timestamp Description:*string LogoUrl:*string Name:*string Symbol:*string UpdatedAt:Timestamp WebsiteUrl:*string",
  "cqc.assets.v1.AssetDeployment":
    "Address:*string AssetId:*string ChainId:*string ChainName:*string CreatedAt:Timestamp Decimals:*int32 DeployedAt:Timestamp DeploymentId:*string Metadata:Struct UpdatedAt:Timestamp",
  "cqc.assets.v1.AssetGroup":
    "CreatedAt:Timestamp Description:*string GroupId:*string Members:[]*assetsv1.AssetGroupMember Name:*string UpdatedAt:Timestamp",
  "cqc.assets.v1.AssetGroupMember":
    "AddedAt:Timestamp AssetId:*string GroupId:*string MemberId:*string Weight:*float64",
  "cqc.assets.v1.AssetIdentifier":
    "AssetId:*string CreatedAt:Timestamp ExternalId:*string IdentifierId:*string IsPrimary:*bool Metadata:Struct Source:*assetsv1.DataSource",
  "cqc.assets.v1.AssetQualityFlag":
    "AssetId:*string EvidenceUrl:*string FlagId:*string FlagType:*assetsv1.FlagType RaisedAt:Timestamp Reason:*string ResolutionNotes:*string ResolvedAt:Timestamp ResolvedBy:*string Severity:*assetsv1.FlagSeverity Source:*string",
  "cqc.assets.v1.AssetRelationship":
    "ConversionRate:*string CreatedAt:Timestamp Description:*string FromAssetId:*string Protocol:*string RelationshipId:*string RelationshipType:*assetsv1.RelationshipType ToAssetId:*string UpdatedAt:Timestamp",
  "cqc.assets.v1.Chain":
    "ChainId:*string ChainName:*string ChainType:*string ExplorerUrl:*string IsTestnet:*bool Metadata:Struct NativeAssetId:*string NetworkId:*int64",
  "cqc.events.v1.AssetCreated":
    "ActorId:*string Asset:*assetsv1.Asset EventId:*string Source:*string Timestamp:Timestamp",
  "cqc.events.v1.AssetDeploymentCreated":
    "ActorId:*string AutoDetected:*bool Deployment:*assetsv1.AssetDeployment EventId:*string Source:*string Timestamp:Timestamp",
  "cqc.events.v1.QualityFlagRaised":
    "ActorId:*string EventId:*string Flag:*assetsv1.AssetQualityFlag Timestamp:Timestamp",
  "cqc.events.v1.RelationshipEstablished":
    "ActorId:*string EventId:*string Protocol:*string Relationship:*assetsv1.AssetRelationship Source:*string Timestamp:Timestamp",
  "cqc.events.v1.VenueAssetListed":
    "ActorId:*string EventId:*string IsNewListing:*bool Timestamp:Timestamp VenueAsset:*venuesv1.VenueAsset",
  "cqc.identifiers.v1.Identifier":
    "AssetId:*string CreatedAt:Timestamp EntityType:*string ExternalId:*string Id:*string InstrumentId:*string IsPrimary:*bool MarketId:*string Metadata:Struct Source:*string UpdatedAt:Timestamp VerifiedAt:Timestamp",
  "cqc.markets.v1.FutureContract":
    "ContractMultiplier:*string CreatedAt:Timestamp Expiry:Timestamp Extensions:Struct InstrumentId:*string IsInverse:*bool IsQuanto:*bool UnderlyingAssetId:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.Instrument":
    "Code:*string CreatedAt:Timestamp Id:*string InstrumentType:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.LendingBorrow":
    "CreatedAt:Timestamp Extensions:Struct InstrumentId:*string UnderlyingAssetId:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.LendingDeposit":
    "CreatedAt:Timestamp Extensions:Struct InstrumentId:*string UnderlyingAssetId:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.Market":
    "CreatedAt:Timestamp DelistedAt:Timestamp FundingIntervalSecs:*int32 Id:*string InstrumentId:*string ListedAt:Timestamp LotSize:*string MakerFee:*string MaxOrderSize:*string Metadata:Struct MinNotional:*string MinOrderSize:*string PriceCurrencyAssetId:*string SettlementAssetId:*string Status:*string TakerFee:*string TickSize:*string UpdatedAt:Timestamp VenueId:*string VenueSymbol:*string",
  "cqc.markets.v1.OptionSeries":
    "ContractMultiplier:*string CreatedAt:Timestamp ExerciseStyle:*string Expiry:Timestamp Extensions:Struct InstrumentId:*string OptionType:*string StrikePrice:*string UnderlyingAssetId:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.PerpContract":
    "ContractMultiplier:*string CreatedAt:Timestamp Extensions:Struct InstrumentId:*string IsInverse:*bool IsQuanto:*bool UnderlyingAssetId:*string UpdatedAt:Timestamp",
  "cqc.markets.v1.SpotInstrument":
    "BaseAssetId:*string CreatedAt:Timestamp Extensions:Struct InstrumentId:*string QuoteAssetId:*string UpdatedAt:Timestamp",
  "cqc.services.v1.AddAssetToGroupRequest": "AssetId:*string GroupId:*string Weight:*float64",
  "cqc.services.v1.AddAssetToGroupResponse": "Member:*assetsv1.AssetGroupMember",
  "cqc.services.v1.CreateAssetDeploymentRequest":
    "AssetId:*string ChainId:*string ContractAddress:*string Decimals:*int32 IsNative:*bool",
  "cqc.services.v1.CreateAssetDeploymentResponse": "Deployment:*assetsv1.AssetDeployment",
  "cqc.services.v1.CreateAssetGroupRequest": "Description:*string Name:*string",
  "cqc.services.v1.CreateAssetGroupResponse": "Group:*assetsv1.AssetGroup",
  "cqc.services.v1.CreateAssetIdentifierRequest":
    "AssetId:*string ExternalId:*string Source:*assetsv1.DataSource",
  "cqc.services.v1.CreateAssetIdentifierResponse": "",
  "cqc.services.v1.CreateAssetRelationshipRequest":
    "Description:*string RelationshipType:*assetsv1.RelationshipType SourceAssetId:*string TargetAssetId:*string",
  "cqc.services.v1.CreateAssetRelationshipResponse": "Relationship:*assetsv1.AssetRelationship",
  "cqc.services.v1.CreateAssetRequest":
    "AssetType:*assetsv1.AssetType Category:*string Description:*string LogoUrl:*string Name:*string Symbol:*string WebsiteUrl:*string",
  "cqc.services.v1.CreateAssetResponse": "Asset:*assetsv1.Asset",
  "cqc.services.v1.CreateChainRequest":
    "BlockExplorerUrl:*string ChainId:*int64 ChainType:*string Name:*string",
  "cqc.services.v1.CreateChainResponse": "Chain:*assetsv1.Chain",
  "cqc.services.v1.CreateVenueAssetRequest":
    "AssetId:*string DeploymentId:*string DepositEnabled:*bool TradingEnabled:*bool VenueAssetSymbol:*string VenueId:*string WithdrawEnabled:*bool",
  "cqc.services.v1.CreateVenueAssetResponse": "VenueAsset:*venuesv1.VenueAsset",
  "cqc.services.v1.CreateVenueRequest":
    "ApiEndpoint:*string ChainId:*string Name:*string VenueType:*venuesv1.VenueType WebsiteUrl:*string",
  "cqc.services.v1.CreateVenueResponse": "Venue:*venuesv1.Venue",
  "cqc.services.v1.DeleteAssetRequest": "AssetId:*string",
  "cqc.services.v1.DeleteAssetResponse": "Success:*bool",
  "cqc.services.v1.GetAssetDeploymentRequest": "DeploymentId:*string",
  "cqc.services.v1.GetAssetDeploymentResponse": "Deployment:*assetsv1.AssetDeployment",
  "cqc.services.v1.GetAssetGroupRequest": "GroupId:*string",
  "cqc.services.v1.GetAssetGroupResponse": "Group:*assetsv1.AssetGroup",
  "cqc.services.v1.GetAssetIdentifierRequest": "",
  "cqc.services.v1.GetAssetIdentifierResponse": "",
  "cqc.services.v1.GetAssetRequest": "AssetId:*string",
  "cqc.services.v1.GetAssetResponse": "Asset:*assetsv1.Asset",
  "cqc.services.v1.GetChainRequest": "ChainId:*string",
  "cqc.services.v1.GetChainResponse": "Chain:*assetsv1.Chain",
  "cqc.services.v1.GetFutureContractRequest": "InstrumentId:*string",
  "cqc.services.v1.GetFutureContractResponse": "FutureContract:*marketsv1.FutureContract",
  "cqc.services.v1.GetInstrumentRequest": "InstrumentId:*string",
  "cqc.services.v1.GetInstrumentResponse": "Instrument:*marketsv1.Instrument",
  "cqc.services.v1.GetLendingBorrowRequest": "InstrumentId:*string",
  "cqc.services.v1.GetLendingBorrowResponse": "LendingBorrow:*marketsv1.LendingBorrow",
  "cqc.services.v1.GetLendingDepositRequest": "InstrumentId:*string",
  "cqc.services.v1.GetLendingDepositResponse": "LendingDeposit:*marketsv1.LendingDeposit",
  "cqc.services.v1.GetMarketRequest": "MarketId:*string",
  "cqc.services.v1.GetMarketResponse": "Market:*marketsv1.Market",
  "cqc.services.v1.GetOptionSeriesRequest": "InstrumentId:*string",
  "cqc.services.v1.GetOptionSeriesResponse": "OptionSeries:*marketsv1.OptionSeries",
  "cqc.services.v1.GetPerpContractRequest": "InstrumentId:*string",
  "cqc.services.v1.GetPerpContractResponse": "PerpContract:*marketsv1.PerpContract",
  "cqc.services.v1.GetSpotInstrumentRequest": "InstrumentId:*string",
  "cqc.services.v1.GetSpotInstrumentResponse": "SpotInstrument:*marketsv1.SpotInstrument",
  "cqc.services.v1.GetVenueAssetRequest": "AssetId:*string VenueId:*string",
  "cqc.services.v1.GetVenueAssetResponse": "VenueAsset:*venuesv1.VenueAsset",
  "cqc.services.v1.GetVenueRequest": "VenueId:*string",
  "cqc.services.v1.GetVenueResponse": "Venue:*venuesv1.Venue",
  "cqc.services.v1.ListAssetDeploymentsRequest": "AssetId:*string",
  "cqc.services.v1.ListAssetDeploymentsResponse": "Deployments:[]*assetsv1.AssetDeployment",
  "cqc.services.v1.ListAssetIdentifiersRequest": "",
  "cqc.services.v1.ListAssetIdentifiersResponse": "",
  "cqc.services.v1.ListAssetRelationshipsRequest": "AssetId:*string",
  "cqc.services.v1.ListAssetRelationshipsResponse": "Relationships:[]*assetsv1.AssetRelationship",
  "cqc.services.v1.ListAssetsRequest":
    "AssetType:*assetsv1.AssetType Category:*string PageSize:*int32 PageToken:*string",
  "cqc.services.v1.ListAssetsResponse": "Assets:[]*assetsv1.Asset NextPageToken:*string",
  "cqc.services.v1.ListChainsRequest": "ChainType:*string",
  "cqc.services.v1.ListChainsResponse": "Chains:[]*assetsv1.Chain",
  "cqc.services.v1.ListQualityFlagsRequest":
    "AssetId:*string IncludeResolved:*bool MinSeverity:*assetsv1.FlagSeverity",
  "cqc.services.v1.ListQualityFlagsResponse": "Flags:[]*assetsv1.AssetQualityFlag",
  "cqc.services.v1.ListVenueAssetsRequest": "AssetId:*string VenueId:*string",
  "cqc.services.v1.ListVenueAssetsResponse": "VenueAssets:[]*venuesv1.VenueAsset",
  "cqc.services.v1.ListVenuesRequest": "ChainId:*string VenueType:*venuesv1.VenueType",
  "cqc.services.v1.ListVenuesResponse": "Venues:[]*venuesv1.Venue",
  "cqc.services.v1.RaiseQualityFlagRequest":
    "AssetId:*string Description:*string FlagType:*assetsv1.FlagType RaisedBy:*string Severity:*assetsv1.FlagSeverity",
  "cqc.services.v1.RaiseQualityFlagResponse": "Flag:*assetsv1.AssetQualityFlag",
  "cqc.services.v1.RemoveAssetFromGroupRequest": "AssetId:*string GroupId:*string",
  "cqc.services.v1.RemoveAssetFromGroupResponse": "Success:*bool",
  "cqc.services.v1.ResolveMarketRequest": "VenueId:*string VenueSymbol:*string",
  "cqc.services.v1.ResolveMarketResponse": "InstrumentId:*string MarketId:*string",
  "cqc.services.v1.ResolveQualityFlagRequest":
    "FlagId:*string ResolutionNotes:*string ResolvedBy:*string",
  "cqc.services.v1.ResolveQualityFlagResponse": "Flag:*assetsv1.AssetQualityFlag",
  "cqc.services.v1.SearchAssetsRequest": "Limit:*int32 Query:*string",
  "cqc.services.v1.SearchAssetsResponse": "Assets:[]*assetsv1.Asset",
  "cqc.services.v1.UpdateAssetRequest":
    "AssetId:*string AssetType:*assetsv1.AssetType Category:*string Description:*string LogoUrl:*string Name:*string Symbol:*string WebsiteUrl:*string",
  "cqc.services.v1.UpdateAssetResponse": "Asset:*assetsv1.Asset",
  "cqc.venues.v1.Venue":
    "ApiEndpoint:*string ChainId:*string CreatedAt:Timestamp IsActive:*bool Metadata:Struct Name:*string ProtocolAddress:*string VenueId:*string VenueType:*venuesv1.VenueType WebsiteUrl:*string",
  "cqc.venues.v1.VenueAsset":
    "AssetId:*string DelistedAt:Timestamp DeploymentId:*string DepositEnabled:*bool DepositFee:*string IsActive:*bool ListedAt:Timestamp Metadata:Struct MinDeposit:*string MinWithdrawal:*string TradingEnabled:*bool VenueAssetSymbol:*string VenueId:*string WithdrawEnabled:*bool WithdrawalFee:*string",
};
