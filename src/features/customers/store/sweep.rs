//! Deleting what is older than it is kept, one snapshot after the other.

use chrono::{DateTime, Utc};

use crate::clock::to_datetime;
use crate::domain::Timestamp;
use crate::persistence::{Db, StoreError};
use crate::sql;

/// How many runs are deleted at once at most.
const RUNS_MAX: i64 = 500;

/// Deletes the runs of a job before then, and what they wrote: the oldest first, each in a transaction of its own. Gives how
/// many runs.
pub(in crate::features::customers) async fn sweep(db: &Db, job: &str, before: Timestamp) -> Result<usize, StoreError> {
    let old = old_runs(db, job, before).await?;
    for due in &old {
        delete_run(db, job, *due).await?;
    }
    Ok(old.len())
}

/// The last run stays however old it is: it says up to when all is done.
async fn old_runs(db: &Db, job: &str, before: Timestamp) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let text = "select due_at from scheduled_runs
         where job = $1 and due_at < $2 and due_at < (select max(due_at) from scheduled_runs where job = $1)
         order by due_at limit $3";
    Ok(sql!(db.read(), scalars DateTime<Utc>, text, job, to_datetime(before), RUNS_MAX)?)
}

async fn delete_run(db: &Db, job: &str, due: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    sql!(tx.on(), exec, "delete from customer_spend where due_at = $1", due)?;
    sql!(tx.on(), exec, "delete from customer_snapshots where due_at = $1", due)?;
    sql!(tx.on(), exec, "delete from scheduled_runs where job = $1 and due_at = $2", job, due)?;
    tx.commit().await
}
