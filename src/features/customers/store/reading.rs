//! Reading snapshots and the runs that took them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::http::Page;
use crate::persistence::{Db, StoreError};
use crate::sql;

/// A customer as seen by a run, with the name of the account as it is now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::customers) struct SnapshotRow {
    pub due_at: DateTime<Utc>,
    pub account: Uuid,
    pub display_name: String,
    pub bids: i64,
    pub wins: i64,
    pub watched_ms: Option<i64>,
    pub last_seen: Option<DateTime<Utc>>,
}

/// What a customer had spent in a currency.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::customers) struct SpendRow {
    pub due_at: DateTime<Utc>,
    pub account: Uuid,
    pub currency: String,
    pub amount: i64,
}

/// A run that was done.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::customers) struct RunRow {
    pub due_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
    pub node: Uuid,
    pub found: i64,
    pub skipped: i64,
    pub skipped_from: Option<DateTime<Utc>>,
}

/// A place in a list of snapshots: of which run, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::features::customers) struct Place {
    pub due_at: DateTime<Utc>,
    pub account: Uuid,
}

/// When the last run fell due that was done by `at`; none if there was none.
pub(in crate::features::customers) async fn run_at(
    db: &Db,
    job: &str,
    at: Timestamp,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let text = "select due_at from scheduled_runs where job = $1 and due_at <= $2 order by due_at desc limit 1";
    Ok(sql!(db.read(), opt_scalar DateTime<Utc>, text, job, to_datetime(at))?)
}

/// The customers of a run by their ids, after one of them.
pub(in crate::features::customers) async fn customers(
    db: &Db,
    due: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SnapshotRow>, StoreError> {
    let text = "select snapshot.due_at, snapshot.account, accounts.display_name, snapshot.bids, snapshot.wins,
            snapshot.watched_ms, snapshot.last_seen
         from customer_snapshots snapshot join accounts on accounts.id = snapshot.account
         where snapshot.due_at = $1 and ($2 is null or snapshot.account > $2) order by snapshot.account limit $3";
    Ok(sql!(db.read(), all SnapshotRow, text, due, after, limit)?)
}

/// The snapshots of a customer up to then, the newest first, before one of them.
pub(in crate::features::customers) async fn history(
    db: &Db,
    account: AccountId,
    until: Timestamp,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<SnapshotRow>, StoreError> {
    let text = "select snapshot.due_at, snapshot.account, accounts.display_name, snapshot.bids, snapshot.wins,
            snapshot.watched_ms, snapshot.last_seen
         from customer_snapshots snapshot join accounts on accounts.id = snapshot.account
         where snapshot.account = $1 and snapshot.due_at <= $2 and ($3 is null or snapshot.due_at < $3)
         order by snapshot.due_at desc limit $4";
    Ok(sql!(db.read(), all SnapshotRow, text, account.0, to_datetime(until), before, limit)?)
}

/// What the customers from one to another had spent by a run.
pub(in crate::features::customers) async fn spend_of_run(
    db: &Db,
    due: DateTime<Utc>,
    (first, last): (Uuid, Uuid),
) -> Result<Vec<SpendRow>, StoreError> {
    let text = "select due_at, account, currency, amount from customer_spend
         where due_at = $1 and account >= $2 and account <= $3 order by account, currency";
    Ok(sql!(db.read(), all SpendRow, text, due, first, last)?)
}

/// What a customer had spent by the runs from one to another.
pub(in crate::features::customers) async fn spend_of_account(
    db: &Db,
    account: Uuid,
    (first, last): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<SpendRow>, StoreError> {
    let text = "select due_at, account, currency, amount from customer_spend
         where account = $1 and due_at >= $2 and due_at <= $3 order by due_at, currency";
    Ok(sql!(db.read(), all SpendRow, text, account, first, last)?)
}

/// The runs of a job, the last first.
pub(in crate::features::customers) async fn runs(
    db: &Db,
    job: &str,
    page: &Page<DateTime<Utc>>,
) -> Result<Vec<RunRow>, StoreError> {
    let text = "select due_at, started_at, node, found, skipped, skipped_from from scheduled_runs
         where job = $1 and ($2 is null or due_at < $2) order by due_at desc limit $3";
    Ok(sql!(db.read(), all RunRow, text, job, page.after, page.fetch())?)
}

/// True if there is such an account.
pub(in crate::features::customers) async fn account_exists(db: &Db, account: AccountId) -> Result<bool, StoreError> {
    Ok(sql!(db.read(), scalar bool, "select count(*) > 0 from accounts where id = $1", account.0)?)
}
