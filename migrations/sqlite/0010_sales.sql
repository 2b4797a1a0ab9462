-- What settling an auction must know of its terms, as of the event `seq`: they may change until the first bid.
create table sale_terms (
    auction blob primary key not null,
    title text not null,
    -- True if bids are covered by money set aside, so that the hub itself moves the price.
    funded boolean not null,
    seq integer not null
);

-- One for each sale. What is sold to whom for how much never changes; whether it is paid does.
create table invoices (
    id blob primary key not null,
    -- 1, 2, 3, … in the order in which sales are settled, without a gap.
    number integer unique not null check (number > 0),
    auction blob not null,
    seq integer not null,
    at text not null,
    seller blob not null,
    winner blob not null,
    currency text not null,
    title text not null,
    price integer not null check (price > 0),
    premium integer not null check (premium >= 0),
    commission integer not null check (commission >= 0),
    payout integer not null check (payout = price - commission),
    status text not null check (status in ('paid', 'outside', 'open', 'cancelled')),
    paid_at text,
    unique (auction, seq),
    check ((status = 'paid') = (paid_at is not null))
);
create index invoices_by_winner on invoices (winner, number);
create index invoices_by_seller on invoices (seller, number);

-- What only people can decide.
create table staff_cases (
    id blob primary key not null,
    kind text not null,
    -- What it follows from: the same cause opens one case.
    cause text unique not null,
    account blob not null,
    auction blob,
    seq integer,
    currency text not null,
    amount integer not null check (amount >= 0),
    reason text not null,
    opened_at text not null,
    closed_at text,
    closed_by blob,
    resolution text,
    note text,
    check ((closed_at is null) = (closed_by is null) and (closed_at is null) = (resolution is null))
);
create index staff_cases_open on staff_cases (kind) where closed_at is null;
create index staff_cases_by_account on staff_cases (account, id);
