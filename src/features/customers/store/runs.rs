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

/// Up to when all that fell due is done, by what is committed just now. Locks nothing.
pub(in crate::features::customers) async fn done_until(db: &Db, job: &str) -> Result<Timestamp, StoreError> {
    let text = "select coalesce((select max(due_at) from scheduled_runs where job = $1), since)
         from scheduled_jobs where job = $1";
    Ok(from_datetime(sql!(db.read(), scalar DateTime<Utc>, text, job)?))
}

/// Keeps everybody else from a run of this job until the transaction ends, waiting for who does the same. Then up to when
/// all that fell due is done, and when the last run began.
pub(in crate::features::customers) async fn lock_job(tx: &mut Tx, job: &str) -> Result<Timestamp, StoreError> {
    let text = "update scheduled_jobs set revision = revision + 1 where job = $1 returning since";
    let since = sql!(tx.on(), scalar DateTime<Utc>, text, job)?;
    // A statement of its own: it sees what was committed while the one above waited.
    let text = "select due_at from scheduled_runs where job = $1 order by due_at desc limit 1";
    let last = sql!(tx.on(), opt_scalar DateTime<Utc>, text, job)?;
    Ok(from_datetime(last.unwrap_or(since)))
}

/// When the last run of a job began; none if there was none.
pub(in crate::features::customers) async fn last_start(
    tx: &mut Tx,
    job: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let text = "select started_at from scheduled_runs where job = $1 order by due_at desc limit 1";
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

/// Writes one row for each customer who was active since then; gives how many.
pub(in crate::features::customers) async fn take_snapshot(
    tx: &mut Tx,
    due: Timestamp,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let text = "with active as (
            select account from customer_presence where noted_at >= $2
            union select bidder from bids where at >= $2
            union select winner from invoices where at >= $2
         ), figures as (
            select bidder as account, count(*) as bids, 0 as wins, 0 as watched_ms, max(at) as last from bids
            where bidder in (select account from active) and not voided group by bidder
            union all
            select winner, 0, count(*), 0, max(at) from invoices
            where winner in (select account from active) and status <> 'cancelled' group by winner
            union all
            select account, 0, 0, watched_ms, last_seen from customer_presence
            where account in (select account from active)
         )
         insert into customer_snapshots (due_at, account, bids, wins, watched_ms, last_seen)
         select $1, figures.account, cast(sum(figures.bids) as bigint), cast(sum(figures.wins) as bigint),
            cast(sum(figures.watched_ms) as bigint), max(figures.last)
         from figures join accounts on accounts.id = figures.account and accounts.erased_at is null
         group by figures.account";
    Ok(sql!(tx.on(), exec, text, to_datetime(due), to_datetime(since))?)
}

/// Writes what the customers of a snapshot had spent. Amounts are summed in two parts, so that no sum is too great.
pub(in crate::features::customers) async fn take_spend(tx: &mut Tx, due: Timestamp) -> Result<(), StoreError> {
    let text = "insert into customer_spend (due_at, account, currency, amount)
         select $1, spent.winner, spent.currency,
            case when spent.millions >= 9000000000000 then 9000000000000000000
                else cast(spent.millions * 1000000 + spent.rest as bigint) end
         from (
            select winner, currency, sum((price + premium) / 1000000) as millions,
                sum((price + premium) % 1000000) as rest
            from invoices
            where status in ('paid', 'outside')
                and winner in (select account from customer_snapshots where due_at = $1)
            group by winner, currency
         ) spent";
    sql!(tx.on(), exec, text, to_datetime(due))?;
    Ok(())
}
