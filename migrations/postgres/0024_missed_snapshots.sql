-- Runs that were missed are done later, as of the moment at which they fell due.

-- When a bid was taken out; null if it counts, or was taken out before this was kept.
alter table bids add column voided_at timestamptz;

-- How long they had watched and when they were last seen is null where nobody can tell any more.
alter table customer_snapshots alter column watched_ms drop not null, alter column last_seen drop not null;

-- When a sale was cancelled is known from the case about it.
create index staff_cases_by_auction on staff_cases (auction, seq) where auction is not null;
