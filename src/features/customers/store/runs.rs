//! The runs of the scheduler. A run is claimed by writing it down in the transaction that does it: two nodes cannot both
//! do it, and one that dies in it leaves nothing behind.

use chrono::{DateTime, Utc};

use crate::clock::{from_datetime, to_datetime};
use crate::domain::{NodeId, Timestamp};
use crate::persistence::{Db, StoreError, Tx};
use crate::schedule::Due;
use crate::sql;

/// Makes a job known, so that what falls due from `now` on is done. Harmless if it is known.
pub(in crate::features::customers) async fn insert_job(db: &Db, job: &str, now: Timestamp) -> Result<(), StoreError> {
    let text = "insert into scheduled_jobs (job, since) values ($1, $2) on conflict do nothing";
    sql!(db.write(), exec, text, job, to_datetime(now))?;
    Ok(())
}

/// Up to when all that fell due is done, by what is committed just now; none if the job is not known. Locks nothing.
pub(in crate::features::customers) async fn done_until(db: &Db, job: &str) -> Result<Option<Timestamp>, StoreError> {
    let text = "select coalesce((select max(due_at) from scheduled_runs where job = $1), since)
         from scheduled_jobs where job = $1";
    Ok(sql!(db.read(), opt_scalar DateTime<Utc>, text, job)?.map(from_datetime))
}

/// Keeps everybody else from a run of this job until the transaction ends, waiting for who does the same. Then up to when
/// all that fell due is done.
pub(in crate::features::customers) async fn lock_job(tx: &mut Tx, job: &str) -> Result<Timestamp, StoreError> {
    let text = "update scheduled_jobs set revision = revision + 1 where job = $1 returning since";
    let since = sql!(tx.on(), scalar DateTime<Utc>, text, job)?;
    // A statement of its own: it sees what was committed while the one above waited.
    let text = "select due_at from scheduled_runs where job = $1 order by due_at desc limit 1";
    let last = sql!(tx.on(), opt_scalar DateTime<Utc>, text, job)?;
    Ok(from_datetime(last.unwrap_or(since)))
}

/// When the last run of a job that was done fell due; none if there was none.
pub(in crate::features::customers) async fn last_due(tx: &mut Tx, job: &str) -> Result<Option<Timestamp>, StoreError> {
    let text = "select due_at from scheduled_runs where job = $1 order by due_at desc limit 1";
    Ok(sql!(tx.on(), opt_scalar DateTime<Utc>, text, job)?.map(from_datetime))
}

/// Writes a run down.
pub(in crate::features::customers) async fn insert_run(
    tx: &mut Tx,
    job: &str,
    due: &Due,
    (node, now): (NodeId, Timestamp),
    found: u64,
) -> Result<(), StoreError> {
    let text = "insert into scheduled_runs (job, due_at, started_at, node, found, skipped, skipped_from)
         values ($1, $2, $3, $4, $5, $6, $7)";
    let (at, now) = (to_datetime(due.at), to_datetime(now));
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    sql!(tx.on(), exec, text, job, at, now, node.0, found, due.skipped, due.skipped_from.map(to_datetime))?;
    Ok(())
}

/// Writes one row for each customer who was active from `since` until a run fell due, with the figures of that moment; gives
/// how many. Of who was seen again after `seen_until` nobody knows when they were there before that: how long they had
/// watched and when they were last seen is null.
pub(in crate::features::customers) async fn take_snapshot(
    tx: &mut Tx,
    due: Timestamp,
    since: Timestamp,
    seen_until: Timestamp,
) -> Result<u64, StoreError> {
    let text = "with active as (
            select account from customer_presence where noted_at >= $2 and last_seen <= $3
            union select bidder from bids where at >= $2 and at <= $1
            union select winner from invoices where at >= $2 and at <= $1
         ), figures as (
            select bidder as account, count(*) as bids, 0 as wins, 0 as watched_ms, max(at) as last, 0 as unknown from bids
            where bidder in (select account from active) and at <= $1 and (not voided or voided_at > $1)
            group by bidder
            union all
            select winner, 0, count(*), 0, max(at), 0 from invoices
            where winner in (select account from active) and at <= $1 and (status <> 'cancelled' or exists (
                select 1 from staff_cases cases where cases.auction = invoices.auction and cases.seq = invoices.seq
                    and cases.resolution = 'release' and cases.closed_at > $1))
            group by winner
            union all
            select account, 0, 0, watched_ms, case when last_seen > $1 then $1 else last_seen end,
                case when last_seen > $3 then 1 else 0 end
            from customer_presence where account in (select account from active)
         )
         insert into customer_snapshots (due_at, account, bids, wins, watched_ms, last_seen)
         select $1, figures.account, cast(sum(figures.bids) as bigint), cast(sum(figures.wins) as bigint),
            case when max(figures.unknown) = 0 then cast(sum(figures.watched_ms) as bigint) end,
            case when max(figures.unknown) = 0 then max(figures.last) end
         from figures join accounts on accounts.id = figures.account and accounts.erased_at is null
         group by figures.account";
    Ok(sql!(tx.on(), exec, text, to_datetime(due), to_datetime(since), to_datetime(seen_until))?)
}

/// Writes what the customers of a snapshot had spent by then. Amounts are summed in two parts, so that no sum is too great.
pub(in crate::features::customers) async fn take_spend(tx: &mut Tx, due: Timestamp) -> Result<(), StoreError> {
    let text = "insert into customer_spend (due_at, account, currency, amount)
         select $1, spent.winner, spent.currency,
            case when spent.millions >= 9000000000000 then 9000000000000000000
                else cast(spent.millions * 1000000 + spent.rest as bigint) end
         from (
            select winner, currency, sum((price + premium) / 1000000) as millions,
                sum((price + premium) % 1000000) as rest
            from invoices
            where (status = 'outside' and at <= $1 or status = 'paid' and paid_at <= $1)
                and winner in (select account from customer_snapshots where due_at = $1)
            group by winner, currency
         ) spent";
    sql!(tx.on(), exec, text, to_datetime(due))?;
    Ok(())
}
