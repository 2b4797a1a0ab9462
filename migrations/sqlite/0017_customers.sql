-- What customers do, seen every few minutes; and accounts whose person is gone.

-- Work that comes round by the clock. Whoever does a run changes the row of its job first, which is the lock.
create table scheduled_jobs (
    job text primary key not null,
    -- Runs that fell due before are nobody's concern.
    since text not null,
    revision integer not null default 0
);

-- The runs that are done: a run is written down in the transaction that does it.
create table scheduled_runs (
    job text not null references scheduled_jobs (job),
    due_at text not null,
    started_at text not null,
    node blob not null,
    -- What it came to, such as how many customers were looked at.
    found integer not null,
    -- How many runs fell due before it since the last one and were never done, and the first of them.
    skipped integer not null check (skipped >= 0),
    skipped_from text,
    primary key (job, due_at),
    check ((skipped = 0) = (skipped_from is null))
);

-- Who was there on a socket, as nodes have counted it.
create table customer_presence (
    account blob primary key not null references accounts (id),
    -- How long they were in at least one room.
    watched_ms integer not null check (watched_ms >= 0),
    last_seen text not null,
    -- When it was written.
    noted_at text not null
);
create index customer_presence_by_note on customer_presence (noted_at);

-- One row for each customer who was active before a run; the figures are totals up to then.
create table customer_snapshots (
    due_at text not null,
    account blob not null,
    bids integer not null,
    wins integer not null,
    watched_ms integer not null,
    last_seen text not null,
    primary key (due_at, account)
);
create index customer_snapshots_by_account on customer_snapshots (account, due_at);

-- What they had spent by then, in each currency: prices and premiums of what they have won and need not pay here any more.
create table customer_spend (
    due_at text not null,
    account blob not null,
    currency text not null,
    amount integer not null,
    primary key (due_at, account, currency)
);
create index customer_spend_by_account on customer_spend (account, due_at);

-- Who was active of late is asked often.
create index bids_by_time on bids (at);
create index invoices_by_time on invoices (at);

-- The person is gone; the row stays for what refers to it.
alter table accounts add column erased_at text;
create index accounts_erased on accounts (erased_at) where erased_at is not null;
-- Until then the account can do nothing: its person is being let go.
alter table accounts add column leaving_until text;
