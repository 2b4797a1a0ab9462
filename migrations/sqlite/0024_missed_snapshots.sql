-- Runs that were missed are done later, as of the moment at which they fell due.

-- When a bid was taken out; null if it counts, or was taken out before this was kept.
alter table bids add column voided_at text;

-- How long they had watched and when they were last seen is null where nobody can tell any more.
create table customer_snapshots_new (
    due_at text not null,
    account blob not null,
    bids integer not null,
    wins integer not null,
    watched_ms integer,
    last_seen text,
    primary key (due_at, account)
);
insert into customer_snapshots_new (due_at, account, bids, wins, watched_ms, last_seen)
    select due_at, account, bids, wins, watched_ms, last_seen from customer_snapshots;
drop table customer_snapshots;
alter table customer_snapshots_new rename to customer_snapshots;
create index customer_snapshots_by_account on customer_snapshots (account, due_at);

-- When a sale was cancelled is known from the case about it.
create index staff_cases_by_auction on staff_cases (auction, seq) where auction is not null;
