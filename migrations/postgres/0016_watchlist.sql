-- What people have to do with auctions: in which they bid and how they stand, which they watch, and what goes on in all.

-- An auction as far as its people are told of it: what its log says up to the event `seq`.
create table races (
    auction uuid primary key not null,
    seller uuid not null,
    title text not null,
    currency text not null,
    status text not null,
    -- The end by the terms, and as it stands.
    planned_end timestamptz not null,
    ends_at timestamptz not null,
    price bigint,
    -- Never shown.
    leader uuid,
    seq bigint not null
);
create index races_by_end on races (ends_at) where status = 'open';

-- Who has bid in which auction, and what became of it. A ceiling is shown to its bidder alone.
create table stakes (
    auction uuid not null,
    bidder uuid not null,
    alias bigint not null,
    standing text not null check (standing in ('leading', 'outbid', 'void', 'won', 'lost', 'stopped')),
    ceiling bigint,
    bids bigint not null,
    last_seq bigint not null,
    last_at timestamptz not null,
    primary key (auction, bidder)
);
create index stakes_by_bidder on stakes (bidder, last_at, auction);
create index stakes_by_standing on stakes (bidder, standing, last_at, auction);

-- Auctions that somebody wants to hear of.
create table watchlist (
    account uuid not null references accounts (id) on delete cascade,
    auction uuid not null,
    at timestamptz not null,
    -- An end before this is one of which the account was told.
    told_until timestamptz not null,
    primary key (account, auction)
);
create index watchlist_by_account on watchlist (account, at, auction);
create index watchlist_by_auction on watchlist (auction, told_until);

-- Of one auction at most one notification about the race waits to be read.
create index notifications_of_races on notifications (account, auction)
    where read_at is null and kind in ('outbid', 'winning');

-- What goes on, for everybody to see: the newest so many. `bidder` is a number within the auction.
create table activity (
    id bigint generated always as identity primary key,
    auction uuid not null,
    seq bigint not null,
    at timestamptz not null,
    kind text not null,
    bidder bigint,
    amount bigint,
    price bigint,
    ends_at timestamptz,
    outcome text,
    reason text,
    unique (auction, seq)
);

-- Up to which event of each auction activity is written, and what its rows need to be read.
create table activity_auctions (
    auction uuid primary key not null,
    title text not null,
    currency text not null,
    seq bigint not null
);
