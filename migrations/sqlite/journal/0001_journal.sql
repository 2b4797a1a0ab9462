-- The one process that may append. Its heartbeat says until when bids could surely be decided.
create table journal_instance (
    id integer primary key check (id = 1),
    epoch integer not null,
    holder blob not null,
    heartbeat_at text not null
);

-- Stretches of time in which no process served.
create table journal_outages (
    id integer primary key autoincrement,
    lost_from text not null,
    lost_until text not null
);

-- One row for each log: its key, its head, and when something falls due in its auction by itself.
create table journal_logs (
    auction blob primary key,
    log blob not null,
    secret blob not null,
    head_seq integer not null,
    head_digest blob not null,
    due_at text
) without rowid;

create index journal_logs_due on journal_logs (due_at) where due_at is not null;

-- The records of all logs, in the order of their commit.
create table journal_records (
    position integer primary key autoincrement,
    auction blob not null,
    seq integer not null,
    epoch integer not null,
    version integer not null,
    public text not null,
    private blob not null,
    commitment blob not null,
    digest blob not null,
    unique (auction, seq)
);

-- The newest snapshot of each auction's state.
create table journal_snapshots (
    auction blob primary key,
    seq integer not null,
    digest blob not null,
    body blob not null
) without rowid;
