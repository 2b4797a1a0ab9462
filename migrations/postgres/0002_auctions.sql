-- Up to which position of the journal each projection has come.
create table projection_checkpoints (
    name text primary key not null,
    position bigint not null
);

-- Auctions as the journal says they are, up to the event `seq`. The reserve's amount is not among it.
create table auctions (
    id uuid primary key not null,
    seller uuid not null,
    title text not null,
    description text not null,
    category text not null,
    image_url text,
    currency text not null,
    opening_price bigint not null,
    increments jsonb not null,
    has_reserve boolean not null,
    reserve_met boolean not null,
    buy_now bigint,
    buy_now_until text not null,
    soft_close jsonb,
    funds text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    created_at timestamptz not null,
    status text not null,
    price bigint,
    minimum_bid bigint not null,
    leader bigint,
    bid_count bigint not null,
    outcome text,
    winner bigint,
    winner_account uuid,
    closed_at timestamptz,
    seq bigint not null
);
create index auctions_by_end on auctions (ends_at, id);
create index auctions_by_creation on auctions (created_at, id);
create index auctions_by_price on auctions ((coalesce(price, opening_price)), id);
create index auctions_by_status on auctions (status, ends_at);
create index auctions_by_category on auctions (category, ends_at);
create index auctions_by_seller on auctions (seller, created_at);

-- Accepted bids. `amount` is what a bid visibly reached, never a ceiling.
create table bids (
    auction uuid not null,
    seq bigint not null,
    at timestamptz not null,
    bidder uuid not null,
    alias bigint not null,
    amount bigint not null,
    price bigint not null,
    voided boolean not null,
    primary key (auction, seq)
);
create index bids_by_bidder on bids (bidder, auction, seq);
