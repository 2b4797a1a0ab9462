-- Money asked to come in or go out, each under a key of its owner's own. Written before the provider is asked, so that
-- whatever becomes of the answer, somebody can ask again.
create table payment_orders (
    id blob primary key not null,
    kind text not null check (kind in ('deposit', 'withdrawal')),
    owner blob not null,
    key text not null,
    currency text not null,
    amount integer not null check (amount > 0),
    provider text not null,
    destination text,
    -- new: nobody knows yet what came of it; open: under way, or the user has to pay on another page.
    status text not null check (status in ('new', 'open', 'paid', 'failed')),
    reference text,
    url text,
    reason text,
    created_at text not null,
    settled_at text,
    asks integer not null,
    next_ask_at text not null,
    unique (owner, kind, key)
);
create index payment_orders_by_owner on payment_orders (owner, id);
create index payment_orders_open on payment_orders (next_ask_at) where status in ('new', 'open');

-- Where users are paid, by the provider's name for it.
create table payout_destinations (
    owner blob not null,
    provider text not null,
    destination text not null,
    primary key (owner, provider)
);

-- Deposits that a provider took back: how much was still there, the rest is owed.
create table deposit_reversals (
    provider text not null,
    reversal text not null,
    deposit blob not null references payment_orders (id),
    amount integer not null check (amount > 0),
    taken integer not null check (taken >= 0 and taken <= amount),
    at text not null,
    undone_at text,
    primary key (provider, reversal)
);

-- Messages of providers that were heeded: one that comes again is not.
create table payment_messages (
    provider text not null,
    id text not null,
    part integer not null,
    at text not null,
    primary key (provider, id, part)
);
create index payment_messages_by_age on payment_messages (at);
