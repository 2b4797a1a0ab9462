-- The one process that may append. Its heartbeat says until when bids could surely be decided.
create table journal_instance (
    id bigint primary key check (id = 1),
    epoch bigint not null,
    holder uuid not null,
    heartbeat_at timestamptz not null
);

-- Stretches of time in which no process served.
create table journal_outages (
    id bigint generated always as identity primary key,
    lost_from timestamptz not null,
    lost_until timestamptz not null
);

-- One row for each log: its key, its head, and when something falls due in its auction by itself.
create table journal_logs (
    auction uuid primary key,
    log uuid not null,
    secret bytea not null,
    head_seq bigint not null,
    head_digest bytea not null,
    due_at timestamptz
);

create index journal_logs_due on journal_logs (due_at) where due_at is not null;

-- The records of all logs, in the order of their commit. The public part is text, not jsonb: its bytes are hashed.
create table journal_records (
    position bigint generated always as identity primary key,
    auction uuid not null,
    seq bigint not null,
    epoch bigint not null,
    version integer not null,
    public text not null,
    private bytea not null,
    commitment bytea not null,
    digest bytea not null,
    unique (auction, seq)
);

-- The newest snapshot of each auction's state.
create table journal_snapshots (
    auction uuid primary key,
    seq bigint not null,
    digest bytea not null,
    body bytea not null
);
