//! Taking snapshots of customers by the clock, and deleting old ones.
//!
//! The node that holds the task looks every few seconds whether a run is due. Holding it saves work, no more: what keeps two
//! runs apart is the row of the job, which is locked for as long as a run takes, and the row of the run, which is written
//! together with what it found. So a run that died is done again, by whoever looks next.
//!
//! After a time in which nobody ran anything there is one run, for the last moment that was missed. What was due before it is
//! counted in its row and never done: nobody can tell any more what the figures were then.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Customers, store};
use crate::coordination::LeaseError;
use crate::domain::{Span, Timestamp};
use crate::persistence::StoreError;
use crate::schedule::Due;

/// The name of the job, and of the task by which nodes agree on who looks whether it is due.
pub(super) const JOB: &str = "customers_snapshot";
/// How often it is looked, and how long after that at most.
const LOOK_EVERY_MS: u64 = 3_000;
const JITTER_MS: u64 = 500;
/// How long a run may take before it is given up, to be done again.
const RUN_LIMIT: Duration = Duration::from_secs(120);
const BACKOFF_MAX_MS: u64 = 60_000;
/// What happened so long before the last run may have been written after it: projections are behind, nodes write late.
const LATE_MAX: Span = Span::from_secs(300);
/// Every so many looks old snapshots are deleted.
const SWEEP_EVERY: u32 = 100;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// A run that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What was due.
    pub due: Due,
    /// How many customers were looked at.
    pub customers: u64,
}

/// Why a look came to no good end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Leases(#[from] LeaseError),
    #[error("no end within {} s", RUN_LIMIT.as_secs())]
    Late,
}

impl Customers {
    /// Does what is due, on whichever node it falls to, until `stop` is cancelled. Being cut off anywhere is harmless.
    pub async fn keep_taking(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        let (mut looks, mut failures) = (0_u32, 0_u32);
        loop {
            match self.look(looks.is_multiple_of(SWEEP_EVERY)).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "failed").increment(1);
                    tracing::warn!(%error, "customers could not be looked at, which is tried again: {error}");
                }
            }
            looks = looks.wrapping_add(1);
            let pause = LOOK_EVERY_MS.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX_MS);
            sleep(Duration::from_millis(pause + self.parts().chance.below(JITTER_MS))).await;
        }
    }

    async fn look(&self, sweep: bool) -> Result<(), Failure> {
        store::insert_job(self.db(), JOB, self.now()).await?;
        if !self.parts().leases.task(JOB).await? {
            return Ok(());
        }
        timeout(RUN_LIMIT, self.run_due()).await.map_err(|_| Failure::Late)??;
        if sweep {
            self.sweep().await?;
        }
        Ok(())
    }

    /// Does the run that is due, if one is and nobody else has done it. Any number of nodes may call it at once.
    pub async fn run_due(&self) -> Result<Option<Run>, StoreError> {
        store::insert_job(self.db(), JOB, self.now()).await?;
        let schedule = &self.parts().schedule;
        // Looked at first without keeping anybody from writing.
        if schedule.due(store::done_until(self.db(), JOB).await?, self.now()).is_none() {
            return Ok(None);
        }
        let mut tx = self.db().begin().await?;
        let done = store::lock_job(&mut tx, JOB).await?;
        let now = self.now();
        let Some(due) = schedule.due(done, now) else { return Ok(None) };
        let since = store::last_start(&mut tx, JOB).await?.map_or(Timestamp::from_millis(0), |at| at.minus(LATE_MAX));
        let customers = store::take_snapshot(&mut tx, due.at, since).await?;
        store::take_spend(&mut tx, due.at).await?;
        store::insert_run(&mut tx, JOB, &due, (self.parts().node, now), customers).await?;
        tx.commit().await?;
        metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "done").increment(1);
        let missed = u64::try_from(due.skipped).unwrap_or_default();
        metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "skipped").increment(missed);
        if missed > 0 {
            tracing::warn!(missed, "{missed} snapshots of customers were missed and cannot be taken any more");
        }
        tracing::debug!(customers, "a snapshot of {customers} customers was taken");
        Ok(Some(Run { due, customers }))
    }

    /// Deletes what is older than it is to be kept. Gives how many runs; there may be more.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let keep = Span::from_millis(i64::from(self.parts().keep_days) * DAY_MS);
        store::sweep(self.db(), JOB, self.now().minus(keep)).await
    }
}
