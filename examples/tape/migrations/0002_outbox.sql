-- What the strategy knows, where its events go by the outbox.
create table strategies (
  market_id uuid primary key,
  reference numeric not null,
  position numeric not null
);

-- How far the tape is published: the last line of it whose trade is in the outbox.
create table tape_progress (
  market_id uuid primary key,
  line int not null
);
