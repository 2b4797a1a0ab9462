-- Where sellers hear of the events of their auctions, and what is on its way there.

-- Who sells which auction, to know whose endpoints hear of it.
create table webhook_sellers (
    auction blob primary key not null,
    seller blob not null
);

create table webhook_endpoints (
    id blob primary key not null,
    owner blob not null references accounts (id) on delete cascade,
    -- Which of the owner's places it takes: no more endpoints than places.
    slot integer not null check (slot >= 0),
    url text not null,
    description text not null,
    -- The kinds of events that it hears of; without them all but the private ones.
    events text,
    -- The one auction that it hears of; without it all of the owner's.
    auction blob,
    -- As it signs, so as it is. Never shown after it was made, never logged.
    secret blob not null,
    old_secret blob,
    old_secret_until text,
    created_at text not null,
    -- It hears of what stands behind this position of the journal.
    after_position integer not null,
    -- How often in a row it took nothing, since when, and until when it is left alone for that.
    failures integer not null default 0,
    failing_since text,
    retry_at text,
    disabled_at text,
    disabled_reason text,
    unique (owner, slot)
);

-- What an endpoint is to be sent, or was. The events themselves stand in the log.
create table webhook_deliveries (
    id integer primary key autoincrement,
    endpoint blob not null references webhook_endpoints (id) on delete cascade,
    -- The event; a test has none.
    auction blob,
    seq integer,
    kind text not null,
    status text not null check (status in ('pending', 'delivered', 'dead')),
    queued_at text not null,
    attempts integer not null default 0,
    -- Not sent before this.
    next_at text not null,
    attempted_at text,
    status_code integer,
    response_ms integer,
    -- Why the last attempt failed, or why there will be no more.
    problem text,
    -- When it was delivered or given up.
    ended_at text,
    unique (endpoint, auction, seq)
);
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint, id);
create index webhook_deliveries_by_status on webhook_deliveries (endpoint, status, id);
create index webhook_deliveries_due on webhook_deliveries (endpoint, next_at) where status = 'pending';
create index webhook_deliveries_lanes on webhook_deliveries (endpoint, auction, seq) where status = 'pending';
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;
create index webhook_deliveries_old on webhook_deliveries (queued_at) where status = 'pending';
