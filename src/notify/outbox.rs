//! The outbox: what is written and not pushed yet, and the one task that pushes it.
//!
//! It takes the rows that are not marked as pushed, in the order of their ids, tells every node of them, and marks them. What
//! commits late has a smaller id than what was pushed before; it is found all the same, for nothing remembers a last id.
//! Of many nodes the one that holds the task does it, so that an account hears in order; a node that does not hold it says
//! when something was written on it. Should two believe that they hold it, something is pushed twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Mailing;
use super::store;
use crate::chance::Chance;
use crate::clock::{Clock, from_datetime};
use crate::coordination::{Bus, BusError, Leases, NoteIds, Notice};
use crate::domain::Span;
use crate::persistence::{Db, StoreError};

/// How often it is looked though nobody woke it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is written within this time is pushed together.
const GATHER: Duration = Duration::from_millis(20);
/// How many rows one round takes at most, and in how many notices it names them.
const ROWS_MAX: i64 = 512;
const NOTICES_MAX: usize = 32;
/// How long a round may take before it is given up; what it had not marked is pushed again.
const ROUND_LIMIT: Duration = Duration::from_secs(30);
/// The name under which nodes agree on which of them does the work, and how often each asks whether it is the one.
const TASK: &str = "notify";
const ASK_EVERY: Duration = Duration::from_secs(3);
const BACKOFF_MIN_MS: u64 = 200;
const BACKOFF_MAX_MS: u64 = 30_000;

/// Where it is said that notifications were written. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Notify>);

impl Outbox {
    /// Something was committed. Nothing is lost if nobody says so: it then goes out a second later.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// What a [`Pusher`] works with.
#[derive(Clone)]
pub struct Deps {
    /// Where notifications are.
    pub db: Db,
    /// Says whether this node does the work.
    pub leases: Arc<dyn Leases>,
    /// Tells the nodes.
    pub bus: Arc<dyn Bus>,
    /// Mails what is asked for.
    pub mailing: Mailing,
    /// The time.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
}

/// Pushes what is in the outbox.
pub struct Pusher {
    deps: Deps,
    outbox: Outbox,
    notices: Receiver<Notice>,
    holds: bool,
    asked_at: Option<Instant>,
    failures: u32,
}

/// Why it is being looked.
enum Woken {
    /// Something was written here.
    Here,
    /// Something was written on another node, or a second is over.
    Otherwise,
}

/// Why a round came to no good end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("no end within {} s", ROUND_LIMIT.as_secs())]
    Late,
}

impl Pusher {
    /// A pusher that is woken by `outbox`.
    pub fn new(deps: Deps, outbox: Outbox) -> Self {
        let notices = deps.bus.subscribe();
        Self { deps, outbox, notices, holds: false, asked_at: None, failures: 0 }
    }

    /// Works until `stop` is cancelled. Being cut off anywhere is harmless.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let woken = tokio::select! {
                () = self.outbox.0.notified() => Woken::Here,
                _ = ticks.tick() => Woken::Otherwise,
                () = told(&mut self.notices) => Woken::Otherwise,
            };
            if self.holds_task().await {
                while self.round().await {
                    sleep(GATHER).await;
                }
            } else if let Woken::Here = woken
                && let Err(error) = self.deps.bus.publish(Notice::NotesWritten).await
            {
                tracing::debug!(%error, "the node that pushes finds by itself what was written: {error}");
            }
            sleep(GATHER).await;
        }
    }

    /// True if this node does the work. Asks again when the answer is a few seconds old; while nobody can say, it does not.
    async fn holds_task(&mut self) -> bool {
        if self.asked_at.is_some_and(|at| at.elapsed() < ASK_EVERY) {
            return self.holds;
        }
        self.asked_at = Some(Instant::now());
        self.holds = match self.deps.leases.task(TASK).await {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(%error, "whether this node pushes notifications cannot be learned: {error}");
                false
            }
        };
        if !self.holds {
            metrics::gauge!("bidhub_notify_lag_seconds").set(0.0);
        }
        self.holds
    }

    /// Pushes a batch and mails what is due. True if there is more to do at once. A failure is waited out here.
    async fn round(&mut self) -> bool {
        let work = async {
            let more = self.push().await?;
            self.deps.mailing.send_due(&self.deps.db, self.deps.clock.now()).await?;
            Ok(more)
        };
        let failure = match timeout(ROUND_LIMIT, work).await.unwrap_or(Err(Failure::Late)) {
            Ok(more) => {
                self.failures = 0;
                return more && self.holds_task().await;
            }
            Err(failure) => failure,
        };
        metrics::counter!("bidhub_notify_failures_total").increment(1);
        tracing::warn!(%failure, "notifications could not be pushed and will be tried again: {failure}");
        let step = BACKOFF_MIN_MS.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX_MS);
        self.failures = self.failures.saturating_add(1);
        sleep(Duration::from_millis(step / 2 + self.deps.chance.below(step / 2 + 1))).await;
        false
    }

    /// Tells all nodes of a batch, then marks it. True if there may be more.
    async fn push(&self) -> Result<bool, Failure> {
        let Deps { db, bus, mailing, clock, .. } = &self.deps;
        let mut pending = store::pending(db, ROWS_MAX).await?;
        let read = pending.len();
        let now = clock.now();
        let oldest = pending.iter().map(|note| now.since(from_datetime(note.at))).max().unwrap_or(Span::ZERO);
        metrics::gauge!("bidhub_notify_lag_seconds").set(oldest.millis() as f64 / 1_000.0);
        if pending.is_empty() {
            return Ok(false);
        }
        let ids: Vec<i64> = pending.iter().map(|note| note.id).collect();
        let mut said = NoteIds::covering(&ids);
        let all_said = said.len() <= NOTICES_MAX;
        said.truncate(NOTICES_MAX);
        let mut failed = None;
        let mut told = 0;
        for ids in &said {
            if let Err(error) = bus.publish(Notice::PushNotes(*ids)).await {
                failed = Some(error);
                break;
            }
            told += 1;
        }
        pending.retain(|note| said[..told].iter().any(|ids| ids.contains(note.id)));
        let due = mailing.wanted(db, &pending).await?;
        let ids: Vec<i64> = pending.iter().map(|note| note.id).collect();
        let mut tx = db.begin().await?;
        store::mark_mail_due(&mut tx, &due).await?;
        store::mark_pushed(&mut tx, &ids, clock.now()).await?;
        tx.commit().await?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(!all_said || read as i64 == ROWS_MAX),
        }
    }
}

/// Waits until another node says that something was written, or may have said so.
async fn told(notices: &mut Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::NotesWritten) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
