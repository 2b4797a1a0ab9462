-- Money asked to come in or go out, each under a key of its owner's own. Written before the provider is asked, so that
-- whatever becomes of the answer, somebody can ask again.
create table payment_orders (
    id uuid primary key not null,
    kind text not null check (kind in ('deposit', 'withdrawal')),
    owner uuid not null,
    key text not null,
    currency text not null,
    amount bigint not null check (amount > 0),
    provider text not null,
    destination text,
    -- new: nobody knows yet what came of it; open: under way, or the user has to pay on another page.
    status text not null check (status in ('new', 'open', 'paid', 'failed')),
    reference text,
    url text,
    reason text,
    created_at timestamptz not null,
    settled_at timestamptz,
    asks bigint not null,
    next_ask_at timestamptz not null,
    unique (owner, kind, key)
);
create index payment_orders_by_owner on payment_orders (owner, id);
create index payment_orders_open on payment_orders (next_ask_at) where status in ('new', 'open');

-- Where users are paid, by the provider's name for it.
create table payout_destinations (
    owner uuid not null,
    provider text not null,
    destination text not null,
    primary key (owner, provider)
);

-- Deposits that a provider took back: how much was still there, the rest is owed.
create table deposit_reversals (
    provider text not null,
    reversal text not null,
    deposit uuid not null references payment_orders (id),
    amount bigint not null check (amount > 0),
    taken bigint not null check (taken >= 0 and taken <= amount),
    at timestamptz not null,
    undone_at timestamptz,
    primary key (provider, reversal)
);

-- Messages of providers that were heeded: one that comes again is not.
create table payment_messages (
    provider text not null,
    id text not null,
    part bigint not null,
    at timestamptz not null,
    primary key (provider, id, part)
);
create index payment_messages_by_age on payment_messages (at);
