-- Where sellers hear of the events of their auctions, and what is on its way there.

-- Who sells which auction, to know whose endpoints hear of it.
create table webhook_sellers (
    auction uuid primary key not null,
    seller uuid not null
);

create table webhook_endpoints (
    id uuid primary key not null,
    owner uuid not null references accounts (id) on delete cascade,
    -- Which of the owner's places it takes: no more endpoints than places.
    slot bigint not null check (slot >= 0),
    url text not null,
    description text not null,
    -- The kinds of events that it hears of; without them all but the private ones.
    events jsonb,
    -- The one auction that it hears of; without it all of the owner's.
    auction uuid,
    -- As it signs, so as it is. Never shown after it was made, never logged.
    secret bytea not null,
    old_secret bytea,
    old_secret_until timestamptz,
    created_at timestamptz not null,
    -- It hears of what stands behind this position of the journal.
    after_position bigint not null,
    -- How often in a row it took nothing, since when, and until when it is left alone for that.
    failures bigint not null default 0,
    failing_since timestamptz,
    retry_at timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    unique (owner, slot)
);

-- What an endpoint is to be sent, or was. The events themselves stand in the log.
create table webhook_deliveries (
    id bigint generated always as identity primary key,
    endpoint uuid not null references webhook_endpoints (id) on delete cascade,
    -- The event; a test has none.
    auction uuid,
    seq bigint,
    kind text not null,
    status text not null check (status in ('pending', 'delivered', 'dead')),
    queued_at timestamptz not null,
    attempts bigint not null default 0,
    -- Not sent before this.
    next_at timestamptz not null,
    attempted_at timestamptz,
    status_code bigint,
    response_ms bigint,
    -- Why the last attempt failed, or why there will be no more.
    problem text,
    -- When it was delivered or given up.
    ended_at timestamptz,
    unique (endpoint, auction, seq)
);
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint, id);
create index webhook_deliveries_by_status on webhook_deliveries (endpoint, status, id);
create index webhook_deliveries_due on webhook_deliveries (endpoint, next_at) where status = 'pending';
create index webhook_deliveries_lanes on webhook_deliveries (endpoint, auction, seq) where status = 'pending';
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;
create index webhook_deliveries_old on webhook_deliveries (queued_at) where status = 'pending';
