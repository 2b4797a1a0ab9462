-- What people have to do with auctions: in which they bid and how they stand, which they watch, and what goes on in all.

-- An auction as far as its people are told of it: what its log says up to the event `seq`.
create table races (
    auction blob primary key not null,
    seller blob not null,
    title text not null,
    currency text not null,
    status text not null,
    -- The end by the terms, and as it stands.
    planned_end text not null,
    ends_at text not null,
    price integer,
    -- Never shown.
    leader blob,
    seq integer not null
);
create index races_by_end on races (ends_at) where status = 'open';

-- Who has bid in which auction, and what became of it. A ceiling is shown to its bidder alone.
create table stakes (
    auction blob not null,
    bidder blob not null,
    alias integer not null,
    standing text not null check (standing in ('leading', 'outbid', 'void', 'won', 'lost', 'stopped')),
    ceiling integer,
    bids integer not null,
    last_seq integer not null,
    last_at text not null,
    primary key (auction, bidder)
);
create index stakes_by_bidder on stakes (bidder, last_at, auction);
create index stakes_by_standing on stakes (bidder, standing, last_at, auction);

-- Auctions that somebody wants to hear of.
create table watchlist (
    account blob not null references accounts (id) on delete cascade,
    auction blob not null,
    at text not null,
    -- An end before this is one of which the account was told.
    told_until text not null,
    primary key (account, auction)
);
create index watchlist_by_account on watchlist (account, at, auction);
create index watchlist_by_auction on watchlist (auction, told_until);

-- Of one auction at most one notification about the race waits to be read.
create index notifications_of_races on notifications (account, auction)
    where read_at is null and kind in ('outbid', 'winning');

-- What goes on, for everybody to see: the newest so many. `bidder` is a number within the auction.
create table activity (
    id integer primary key autoincrement,
    auction blob not null,
    seq integer not null,
    at text not null,
    kind text not null,
    bidder integer,
    amount integer,
    price integer,
    ends_at text,
    outcome text,
    reason text,
    unique (auction, seq)
);

-- Up to which event of each auction activity is written, and what its rows need to be read.
create table activity_auctions (
    auction blob primary key not null,
    title text not null,
    currency text not null,
    seq integer not null
);
