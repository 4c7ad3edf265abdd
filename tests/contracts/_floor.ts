/** Calls that each service has at least, by service. */
export const CALLS: Readonly<Record<string, string>> = {
  AssetRegistry: [
    "GetInstrument GetSpotInstrument GetPerpContract GetFutureContract GetOptionSeries",
    "GetLendingDeposit GetLendingBorrow GetMarket ResolveMarket",
    "CreateAsset GetAsset UpdateAsset DeleteAsset ListAssets SearchAssets",
    "CreateAssetDeployment GetAssetDeployment UpdateAssetDeployment ListAssetDeployments",
    "ResolveDeployment",
    "CreateAssetIdentifier GetAssetIdentifier DeleteAssetIdentifier ListAssetIdentifiers",
    "CreateAssetRelationship GetAssetRelationship DeleteAssetRelationship ListAssetRelationships",
    "CreateAssetGroup GetAssetGroup UpdateAssetGroup DeleteAssetGroup ListAssetGroups",
    "AddAssetToGroup RemoveAssetFromGroup",
    "RaiseQualityFlag ResolveQualityFlag ListQualityFlags",
    "CreateChain GetChain UpdateChain ListChains",
    "CreateInstrument UpdateInstrument ListInstruments",
    "CreateMarket UpdateMarket ListMarkets BatchGetMarkets",
    "CreateIdentifier GetIdentifier DeleteIdentifier ListIdentifiers ResolveIdentifier",
    "CreateVenue GetVenue UpdateVenue ListVenues",
    "CreateVenueAsset GetVenueAsset UpdateVenueAsset ListVenueAssets",
  ].join(" "),
  VenueGateway: [
    "CreateAccount GetAccount UpdateAccount DeleteAccount ListAccounts",
    "VerifyCredentials RotateCredentials",
    "GetBalance ListBalances StreamBalances",
    "PlaceOrder BatchPlaceOrders CancelOrder CancelAllOrders ModifyOrder GetOrder ListOrders",
    "StreamOrders",
    "GetExecutionReport ListExecutionReports StreamExecutionReports",
    "GetDepositAddress RequestWithdrawal TransferFunds GetTransfer ListTransfers StreamTransfers",
    "GetTradingLimits GetAccountHealth",
  ].join(" "),
  MarketData: [
    "GetPrice BatchGetPrices ListPrices StreamPrices GetOrderBook StreamOrderBook GetMarketDepth",
    "ListTrades StreamTrades ListCandles StreamCandles GetVWAP GetLiquidityMetrics",
    "GetFundingRate ListFundingRates StreamFundingRates GetMarketSummary",
  ].join(" "),
  Portfolio: [
    "CreatePortfolio GetPortfolio UpdatePortfolio DeletePortfolio ListPortfolios",
    "GetPortfolioSummary GetPosition ListPositions StreamPositions",
    "RecordTransaction GetTransaction ListTransactions ListExposures",
    "SetAllocationTargets ListAllocations GetPnL ListPnLSeries ProposeRebalance",
  ].join(" "),
  RiskEngine: [
    "CreateRiskLimit GetRiskLimit UpdateRiskLimit DeleteRiskLimit ListRiskLimits CheckOrder",
    "GetRiskSnapshot StreamRiskSnapshots CalculateVaR RunStressTest GetLiquidationRisk",
    "ListRiskAlerts GetRiskAlert AcknowledgeRiskAlert ResolveRiskAlert StreamRiskAlerts",
  ].join(" "),
};

/** Messages that each package has at least. */
export const MESSAGES: Readonly<Record<string, string>> = {
  assets:
    "Asset AssetIdentifier AssetDeployment AssetRelationship AssetGroup AssetGroupMember AssetQualityFlag Chain",
  markets: [
    "Instrument SpotInstrument PerpContract FutureContract OptionSeries LendingDeposit",
    "LendingBorrow Market AmmMarketDetails LendingMarketDetails PerpMarketDetails RiskTier Price",
    "OrderBookLevel OrderBook Trade Candle VWAP DepthBand MarketDepth SlippageEstimate",
    "LiquidityMetrics FundingRate OpenInterest Greeks",
  ].join(" "),
  identifiers: "Identifier",
  venues: [
    "Venue VenueAsset VenueAccount CredentialRef FeeSchedule AccountLimits Balance Fee Order",
    "NewOrder AlgoParameters ExecutionReport FundsTransfer RateLimit",
  ].join(" "),
  portfolio: "Portfolio Position Allocation Exposure Transaction TransactionLeg PnL",
  risk: "RiskLimit RiskViolation RiskSnapshot StressScenario StressResult",
  events: [
    "AssetCreated AssetDeploymentCreated RelationshipEstablished InstrumentCreated MarketCreated",
    "VenueAssetListed VenueMarketListed PriceUpdated OrderPlaced PositionChanged RiskAlert",
    "OrderUpdated OrderCanceled BalanceChanged FundsTransferUpdated VenueAssetDelisted",
    "VenueMarketDelisted MarketUpdated QualityFlagRaised QualityFlagResolved RiskAlertResolved",
    "ServiceStatusChanged",
  ].join(" "),
  services: "Heartbeat SubscriptionStatus GapNotice VenueSymbol",
  infrastructure: "HealthCheckRequest HealthCheckResponse ComponentHealth ServiceInfo",
  observability: "LogEntry MetricDefinition MetricCatalog TraceContext",
  config:
    "CqiConfig ServiceConfig ServerConfig DatabaseConfig CacheConfig EventBusConfig SecretRef",
  auth: "Principal AuthContext ApiKey JwtClaims",
};

/** Values that each enum has at least, without prefix. */
export const VALUES: Readonly<Record<string, string>> = {
  "assets.AssetType":
    "NATIVE ERC20 SPL WRAPPED SYNTHETIC ERC721 ERC1155 LP_TOKEN RECEIPT_TOKEN LIQUID_STAKING TRC20 IBC FIAT OTHER",
  "assets.RelationshipType":
    "WRAPS BRIDGES STAKES SYNTHETIC_OF LIQUIDITY_PAIR RECEIPT_OF MIGRATES_TO FORKS_FROM REBASES_WITH DERIVES_FROM",
  "assets.DataSource":
    "COINGECKO COINMARKETCAP DEFILLAMA MESSARI COINMETRICS KAIKO TOKEN_LIST ON_CHAIN VENUE INTERNAL",
  "assets.FlagType":
    "SCAM EXPLOITED DEPRECATED RUGPULL PAUSED UNVERIFIED LOW_LIQUIDITY HONEYPOT TAX_TOKEN DEPEGGED SANCTIONED BLACKLISTABLE",
  "assets.FlagSeverity": "INFO LOW MEDIUM HIGH CRITICAL",
  "markets.TradeSide": "BUY SELL",
  "markets.CandleInterval": "ONE_MINUTE FIVE_MINUTES FIFTEEN_MINUTES ONE_HOUR FOUR_HOURS ONE_DAY",
  "markets.PriceType": "LAST BID ASK MID MARK INDEX ORACLE SETTLEMENT AGGREGATED",
  "markets.BookUpdateType": "SNAPSHOT DELTA",
  "markets.MarginMode": "CROSS ISOLATED PORTFOLIO",
  "markets.OrderType":
    "MARKET LIMIT STOP_MARKET STOP_LIMIT TAKE_PROFIT_MARKET TAKE_PROFIT_LIMIT TRAILING_STOP TWAP VWAP",
  "markets.TimeInForce": "GTC IOC FOK GTD DAY GTX",
  "venues.VenueType": "CEX DEX DEX_AGGREGATOR BRIDGE LENDING OTC CUSTODIAN",
  "venues.AccountType": "SPOT MARGIN FUTURES OPTIONS WALLET UNIFIED LENDING STAKING",
  "venues.AccountStatus": "ACTIVE INACTIVE SUSPENDED RESTRICTED PENDING_VERIFICATION CLOSED",
  "venues.AccountPermission": "READ TRADE WITHDRAW TRANSFER STAKE BORROW",
  "venues.CredentialScheme": "HMAC JWT_ES256 ED25519 BEARER MPC EIP712",
  "venues.OrderStatus":
    "PENDING_NEW SUBMITTED OPEN PARTIALLY_FILLED FILLED PENDING_CANCEL CANCELED REJECTED EXPIRED FAILED UNKNOWN",
  "venues.RejectReason": [
    "INSUFFICIENT_FUNDS INVALID_PRICE INVALID_SIZE MARKET_CLOSED RATE_LIMITED DUPLICATE_CLIENT_ID",
    "POST_ONLY_WOULD_TAKE REDUCE_ONLY RISK_LIMIT SELF_TRADE UNKNOWN_MARKET PERMISSION OTHER",
  ].join(" "),
  "venues.ExecutionType": [
    "NEW TRADE CANCELED REPLACED REJECTED EXPIRED PENDING_NEW PENDING_CANCEL TRIGGERED",
    "TRADE_CORRECT TRADE_CANCEL LIQUIDATION AUTO_DELEVERAGE",
  ].join(" "),
  "venues.LiquiditySide": "MAKER TAKER AUCTION",
  "venues.PositionMode": "NET HEDGE",
  "venues.ContingencyType": "OCO OTO BRACKET",
  "venues.RateLimitScope": "REQUESTS ORDERS WEIGHT",
  "venues.TransferDirection": "DEPOSIT WITHDRAWAL INTERNAL",
  "venues.TransferStatus": "PENDING PROCESSING CONFIRMING COMPLETED FAILED CANCELED",
  "venues.FeeKind": "TRADING NETWORK FUNDING WITHDRAWAL BUILDER",
  "portfolio.PositionSide": "LONG SHORT FLAT",
  "portfolio.ExposureDimension":
    "ASSET ASSET_GROUP INSTRUMENT_TYPE VENUE CHAIN STRATEGY COUNTERPARTY TOTAL",
  "portfolio.TransactionType": [
    "BUY SELL SWAP DEPOSIT WITHDRAWAL TRANSFER_IN TRANSFER_OUT FEE REBATE FUNDING INTEREST BORROW",
    "REPAY STAKE UNSTAKE REWARD AIRDROP LIQUIDATION BRIDGE WRAP ADJUSTMENT",
  ].join(" "),
  "portfolio.LegRole": "PRINCIPAL COUNTER FEE",
  "portfolio.CostMethod": "FIFO LIFO AVERAGE HIFO",
  "risk.RiskMetric": [
    "POSITION_NOTIONAL GROSS_EXPOSURE NET_EXPOSURE LEVERAGE CONCENTRATION DRAWDOWN VALUE_AT_RISK",
    "ORDER_NOTIONAL ORDERS_PER_MINUTE DAILY_LOSS MARGIN_RATIO LIQUIDITY_DAYS",
  ].join(" "),
  "risk.LimitAction": "ALERT BLOCK REDUCE_ONLY LIQUIDATE",
  "infrastructure.ServiceStatus": "HEALTHY DEGRADED UNHEALTHY STARTING STOPPING",
  "infrastructure.ProbeType": "LIVENESS READINESS STARTUP",
  "infrastructure.ComponentKind":
    "DATABASE CACHE EVENT_BUS HTTP_DEPENDENCY GRPC_DEPENDENCY DISK OTHER",
  "infrastructure.ErrorReason": [
    "ORDER_REJECTED_BY_VENUE MARKET_NOT_FOUND VENUE_RATE_LIMITED STALE_MARKET_DATA",
    "RISK_LIMIT_BREACHED",
  ].join(" "),
  "observability.LogLevel": "TRACE DEBUG INFO WARN ERROR FATAL",
  "observability.MetricType": "COUNTER GAUGE HISTOGRAM",
  "observability.TraceHeader": "TRACEPARENT TRACESTATE BAGGAGE REQUEST_ID CORRELATION_ID",
  "auth.AuthHeader": "AUTHORIZATION API_KEY",
  "auth.AuthFailureReason": [
    "MISSING_CREDENTIALS MALFORMED INVALID_SIGNATURE EXPIRED NOT_YET_VALID WRONG_ISSUER",
    "WRONG_AUDIENCE UNKNOWN_KEY REVOKED INSUFFICIENT_SCOPE ALGORITHM_NOT_ALLOWED",
  ].join(" "),
  "auth.AuthMethod": "API_KEY JWT MTLS NONE",
  "auth.PrincipalType": "USER SERVICE SYSTEM",
};
