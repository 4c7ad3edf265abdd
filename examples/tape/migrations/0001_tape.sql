-- One-minute candles by the UTC minute of the trade's time.
create table candles (
  market_id uuid not null,
  start_time timestamptz not null,
  open numeric not null,
  high numeric not null,
  low numeric not null,
  close numeric not null,
  volume numeric not null,
  notional numeric not null,
  trades bigint not null,
  open_at timestamptz not null,
  close_at timestamptz not null,
  primary key (market_id, start_time)
);

-- Events that are already in a candle: a delivery that comes twice counts once.
create table candle_events (
  event_id uuid primary key
);

-- Fills of simulated orders, with the position after each; order_id makes them idempotent.
create table fills (
  order_id uuid primary key,
  portfolio_id uuid not null,
  number bigint not null,
  quantity numeric not null,
  price numeric not null,
  fee numeric not null,
  position numeric not null,
  cash numeric not null,
  filled_at timestamptz not null,
  unique (portfolio_id, number)
);

create table positions (
  portfolio_id uuid primary key,
  quantity numeric not null,
  cash numeric not null,
  fills bigint not null,
  opened_at timestamptz not null,
  updated_at timestamptz not null
);
