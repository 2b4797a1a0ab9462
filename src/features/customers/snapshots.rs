//! Taking snapshots of customers by the clock, and deleting old ones.
//!
//! The node that holds the task looks every few seconds whether a run is due. Holding it saves work, no more: what keeps two
//! runs apart is the row of the job, which is locked for as long as a run takes, and the row of the run, which is written
//! together with what it found. So a run that died is done again, by whoever looks next.
//!
//! After a time in which nobody ran anything each run that was missed is done, the oldest first, one in a transaction and with
//! pauses between them, as of the moment at which it fell due. What follows from the log is known for any moment; who was
//! there is not, and is left open. Of a very long time the newest part is done, and the rest is counted and said.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Counted, Customers, store};
use crate::coordination::LeaseError;
use crate::domain::{Span, Timestamp};
use crate::persistence::StoreError;
use crate::schedule::Due;

/// The name of the job, and of the task by which nodes agree on who looks whether it is due.
pub(super) const JOB: &str = "customers_snapshot";
/// How often it is looked, and how long after that at most.
const LOOK_EVERY_MS: u64 = 3_000;
const JITTER_MS: u64 = 500;
/// How many runs that were missed are done at most, besides the last that is due: one day of one every ten minutes.
const MISSED_MAX: usize = 144;
/// The shortest pause after one of them. It is no shorter than the run took, so that others have the database too.
const MISSED_PAUSE: Duration = Duration::from_millis(200);
/// How long a run may take before it is given up, to be done again.
const RUN_LIMIT: Duration = Duration::from_secs(120);
const BACKOFF_MAX_MS: u64 = 60_000;
/// What happened so long before the last run may have been written after it: projections are behind, nodes write late.
const LATE_MAX: Span = Span::from_secs(300);
/// Who was seen so long after a run fell due, or longer, may have been there for longer than until it: what is known of them
/// is not what was known then.
const SEEN_LATE_MAX: Span = Span::from_secs(60);
/// Every so many looks old snapshots are deleted.
const SWEEP_EVERY: u32 = 100;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// How long a run waits at once for the main database to follow the log of auctions, and in how many looks. After that it is
/// done with what is known: what stands in the way of one auction must not stand in the way of everything.
const FOLLOWED_LIMIT: Duration = Duration::from_secs(2);
const UNFOLLOWED_MAX: u32 = 20;

/// The log of auctions, from which figures follow.
#[async_trait::async_trait]
pub trait Log: Send + Sync + 'static {
    /// Waits until the main database knows all that was in the log when this was called. False if `limit` is over before, or
    /// if nobody can say.
    async fn is_followed(&self, limit: Duration) -> bool;
}

/// What is looked to before a run.
#[derive(Clone)]
pub struct Before {
    /// The log of auctions: figures are not taken while the main database is behind it.
    pub log: Arc<dyn Log>,
    /// What is counted at this node, which is written first.
    pub counted: Counted,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Nothing more is due, or not here.
    Done,
    /// Another run is due already.
    More,
    /// A run is due, and the main database is behind the log.
    Behind,
}

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
    pub async fn keep_taking(self, before: Before, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow(&before) => {}
        }
    }

    async fn follow(&self, before: &Before) {
        let (mut looks, mut failures, mut behind) = (0_u32, 0_u32, 0_u32);
        loop {
            let began = Instant::now();
            let mut is_more = false;
            match self.look(before, behind < UNFOLLOWED_MAX, looks.is_multiple_of(SWEEP_EVERY)).await {
                Ok(look) => {
                    (failures, is_more) = (0, look == Look::More);
                    behind = if look == Look::Behind { behind + 1 } else { 0 };
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "failed").increment(1);
                    tracing::warn!(%error, "customers could not be looked at, which is tried again: {error}");
                }
            }
            looks = looks.wrapping_add(1);
            let pause = LOOK_EVERY_MS.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX_MS);
            let pause = Duration::from_millis(pause + self.parts().chance.below(JITTER_MS));
            sleep(if is_more { MISSED_PAUSE.max(began.elapsed()) } else { pause }).await;
        }
    }

    /// Does a run if one is due and this node is to do it: not while the main database is behind the log, if it `waits`.
    async fn look(&self, before: &Before, waits: bool, sweep: bool) -> Result<Look, Failure> {
        if !self.parts().leases.task(JOB).await? {
            return Ok(Look::Done);
        }
        if let Some(is_last) = self.is_last_due().await? {
            if waits && !before.log.is_followed(FOLLOWED_LIMIT).await {
                return Ok(Look::Behind);
            }
            // Who is there now was there then, if it is a moment ago.
            if is_last {
                before.counted.write_now().await;
            }
        }
        let run = timeout(RUN_LIMIT, self.run_due()).await.map_err(|_| Failure::Late)??;
        if sweep {
            self.sweep().await?;
        }
        let is_more = run.is_some_and(|run| self.parts().schedule.is_due(run.due.at, self.now()));
        Ok(if is_more { Look::More } else { Look::Done })
    }

    /// Whether no later run is due than the one that is; none if nothing is.
    async fn is_last_due(&self) -> Result<Option<bool>, StoreError> {
        let (schedule, now) = (&self.parts().schedule, self.now());
        let done = store::done_until(self.db(), JOB).await?;
        let due = done.and_then(|done| schedule.next(done)).filter(|at| *at <= now);
        Ok(due.map(|at| !schedule.is_due(at, now)))
    }

    /// Does the oldest run that is due, if one is and nobody else has done it. Any number of nodes may call it at once.
    pub async fn run_due(&self) -> Result<Option<Run>, StoreError> {
        let schedule = &self.parts().schedule;
        // Looked at first without keeping anybody from writing.
        let Some(done) = store::done_until(self.db(), JOB).await? else {
            // Nothing has fallen due of what begins now.
            store::insert_job(self.db(), JOB, self.now()).await?;
            return Ok(None);
        };
        if !schedule.is_due(done, self.now()) {
            return Ok(None);
        }
        let mut tx = self.db().begin().await?;
        let done = store::lock_job(&mut tx, JOB).await?;
        let now = self.now();
        let Some(due) = schedule.due(done, now, MISSED_MAX) else { return Ok(None) };
        let since = store::last_due(&mut tx, JOB).await?.map_or(Timestamp::from_millis(0), |at| at.minus(LATE_MAX));
        let customers = store::take_snapshot(&mut tx, due.at, since, due.at.plus(SEEN_LATE_MAX)).await?;
        store::take_spend(&mut tx, due.at).await?;
        store::insert_run(&mut tx, JOB, &due, (self.parts().node, now), customers).await?;
        tx.commit().await?;
        metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "done").increment(1);
        let missed = u64::try_from(due.skipped).unwrap_or_default();
        metrics::counter!("bidhub_scheduled_runs_total", "task" => JOB, "outcome" => "skipped").increment(missed);
        if missed > 0 {
            tracing::warn!(missed, "{missed} snapshots of customers were missed too long ago to be taken any more");
        }
        let at = crate::clock::format(due.at);
        tracing::debug!(customers, %at, "the snapshot of {at} was taken, of {customers} customers");
        Ok(Some(Run { due, customers }))
    }

    /// Deletes what is older than it is to be kept. Gives how many runs; there may be more.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let keep = Span::from_millis(i64::from(self.parts().keep_days) * DAY_MS);
        store::sweep(self.db(), JOB, self.now().minus(keep)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Crowd, Parts, Presence};
    use super::*;
    use crate::chance::Chance;
    use crate::clock::Clock;
    use crate::coordination::local::LocalLeases;
    use crate::domain::{AccountId, NodeId};
    use crate::journal::Lease;
    use crate::persistence::{Db, Durability, migrate};

    /// A log that is followed, or not.
    struct Followed(bool);

    #[async_trait::async_trait]
    impl Log for Followed {
        async fn is_followed(&self, _limit: Duration) -> bool {
            self.0
        }
    }

    struct Nobody;

    impl Crowd for Nobody {
        fn each(&self, _see: &mut dyn FnMut(AccountId, bool)) {}

        fn callers(&self) -> Vec<(AccountId, Timestamp)> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn a_run_waits_for_the_log_but_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Clock::manual(crate::clock::parse("2026-11-20T09:31:00.000Z").unwrap());
        let stop = CancellationToken::new();
        let lease = Lease { epoch: 1, holder: uuid::Uuid::nil(), nonce: 1 };
        let customers = Customers::new(Parts {
            db: db.clone(),
            leases: Arc::new(LocalLeases::new(lease, stop.clone())),
            node: NodeId(lease.holder),
            schedule: "*/10 * * * *".parse().unwrap(),
            keep_days: 1,
            clock: clock.clone(),
            chance: Chance::seeded(1),
        });
        let (presence, counted) = Presence::new(db.clone(), Arc::new(Nobody), clock.clone());
        let counting = tokio::spawn(presence.keep_counting(stop.clone()));
        let [behind, followed] =
            [false, true].map(|is| Before { log: Arc::new(Followed(is)), counted: counted.clone() });
        assert_eq!(customers.look(&behind, true, false).await.unwrap(), Look::Done, "nothing is due");
        clock.advance(Span::from_secs(30 * 60));
        for _ in 0..2 {
            assert_eq!(customers.look(&behind, true, false).await.unwrap(), Look::Behind);
        }
        assert_eq!(customers.look(&followed, true, false).await.unwrap(), Look::More);
        assert_eq!(customers.look(&behind, false, false).await.unwrap(), Look::More);
        assert_eq!(customers.look(&followed, true, false).await.unwrap(), Look::Done, "that was the last");
        assert_eq!(customers.look(&behind, true, false).await.unwrap(), Look::Done, "nothing is due");
        stop.cancel();
        counting.await.unwrap();
        db.close().await;
    }
}
