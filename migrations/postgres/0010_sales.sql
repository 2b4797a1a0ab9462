-- What settling an auction must know of its terms, as of the event `seq`: they may change until the first bid.
create table sale_terms (
    auction uuid primary key not null,
    title text not null,
    -- True if bids are covered by money set aside, so that the hub itself moves the price.
    funded boolean not null,
    seq bigint not null
);

-- One for each sale. What is sold to whom for how much never changes; whether it is paid does.
create table invoices (
    id uuid primary key not null,
    -- 1, 2, 3, … in the order in which sales are settled, without a gap.
    number bigint unique not null check (number > 0),
    auction uuid not null,
    seq bigint not null,
    at timestamptz not null,
    seller uuid not null,
    winner uuid not null,
    currency text not null,
    title text not null,
    price bigint not null check (price > 0),
    premium bigint not null check (premium >= 0),
    commission bigint not null check (commission >= 0),
    payout bigint not null check (payout = price - commission),
    status text not null check (status in ('paid', 'outside', 'open', 'cancelled')),
    paid_at timestamptz,
    unique (auction, seq),
    check ((status = 'paid') = (paid_at is not null))
);
create index invoices_by_winner on invoices (winner, number);
create index invoices_by_seller on invoices (seller, number);

-- What only people can decide.
create table staff_cases (
    id uuid primary key not null,
    kind text not null,
    -- What it follows from: the same cause opens one case.
    cause text unique not null,
    account uuid not null,
    auction uuid,
    seq bigint,
    currency text not null,
    amount bigint not null check (amount >= 0),
    reason text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    closed_by uuid,
    resolution text,
    note text,
    check ((closed_at is null) = (closed_by is null) and (closed_at is null) = (resolution is null))
);
create index staff_cases_open on staff_cases (kind) where closed_at is null;
create index staff_cases_by_account on staff_cases (account, id);
