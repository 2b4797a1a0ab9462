-- Up to which position of the journal each projection has come.
create table projection_checkpoints (
    name text primary key not null,
    position integer not null
);

-- Auctions as the journal says they are, up to the event `seq`. The reserve's amount is not among it.
create table auctions (
    id blob primary key not null,
    seller blob not null,
    title text not null,
    description text not null,
    category text not null,
    image_url text,
    currency text not null,
    opening_price integer not null,
    increments text not null,
    has_reserve boolean not null,
    reserve_met boolean not null,
    buy_now integer,
    buy_now_until text not null,
    soft_close text,
    funds text not null,
    starts_at text not null,
    ends_at text not null,
    created_at text not null,
    status text not null,
    price integer,
    minimum_bid integer not null,
    leader integer,
    bid_count integer not null,
    outcome text,
    winner integer,
    winner_account blob,
    closed_at text,
    seq integer not null
);
create index auctions_by_end on auctions (ends_at, id);
create index auctions_by_creation on auctions (created_at, id);
create index auctions_by_price on auctions ((coalesce(price, opening_price)), id);
create index auctions_by_status on auctions (status, ends_at);
create index auctions_by_category on auctions (category, ends_at);
create index auctions_by_seller on auctions (seller, created_at);

-- Accepted bids. `amount` is what a bid visibly reached, never a ceiling.
create table bids (
    auction blob not null,
    seq integer not null,
    at text not null,
    bidder blob not null,
    alias integer not null,
    amount integer not null,
    price integer not null,
    voided boolean not null,
    primary key (auction, seq)
);
create index bids_by_bidder on bids (bidder, auction, seq);
