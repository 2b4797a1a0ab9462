//! How far the projections have come, for those who wait for them and for those who watch over them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::store;
use crate::domain::{Span, Timestamp};
use crate::persistence::{Db, StoreError};

/// How old the oldest record that is not projected may be before the hub counts as not ready.
pub const LAG_MAX: Span = Span::from_secs(30);

/// How often those who wait ask though nothing was told: another node may move the projections on.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What the projector tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Reach {
    /// Grows whenever something was written.
    pub(super) moves: u64,
    /// When the oldest record happened that some projection lacks.
    pub(super) pending_since: Option<Timestamp>,
}

/// Follows the projections from outside. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Progress {
    reach: watch::Receiver<Reach>,
    /// What [`Progress::moved`] has seen.
    seen: u64,
    /// The names of all projections.
    names: Arc<[&'static str]>,
}

impl Progress {
    pub(super) fn new(reach: watch::Receiver<Reach>, names: Arc<[&'static str]>) -> Self {
        let seen = reach.borrow().moves;
        Self { reach, seen, names }
    }

    /// True if every projection has come to `position`, whichever node moves them on: read from where they keep it.
    pub async fn has_reached(&self, db: &Db, position: i64) -> Result<bool, StoreError> {
        for name in self.names.iter() {
            if store::position(db, name).await? < position {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks `reached` now, after whatever is projected here, and every now and then, until it says yes or `limit` is over.
    /// False if it never did.
    pub async fn wait_until<F, E>(&self, limit: Duration, mut reached: impl FnMut() -> F) -> Result<bool, E>
    where
        F: Future<Output = Result<bool, E>>,
    {
        let mut reach = self.reach.clone();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            // Marked as seen before asking, so that what is written meanwhile wakes us at once.
            reach.borrow_and_update();
            if reached().await? {
                return Ok(true);
            }
            let now = tokio::time::Instant::now();
            if now >= deadline {
                return Ok(false);
            }
            let until = deadline.min(now + ASK_EVERY);
            if let Ok(Err(_)) = tokio::time::timeout_at(until, reach.changed()).await {
                // This process projects no more, but another may.
                tokio::time::sleep_until(until).await;
            }
        }
    }

    /// Waits until something is written that was not when this was created or called last; for ever if that can no more
    /// happen here.
    pub async fn moved(&mut self) {
        let moves = self.seen;
        let now = self.reach.wait_for(|reach| reach.moves != moves).await.ok().map(|reach| reach.moves);
        match now {
            Some(now) => self.seen = now,
            None => std::future::pending().await,
        }
    }

    /// How old the oldest record is that is not projected everywhere.
    pub fn lag(&self, now: Timestamp) -> Span {
        self.reach.borrow().pending_since.map_or(Span::ZERO, |since| now.since(since))
    }

    /// For the probe of readiness: an error once the lag is more than [`LAG_MAX`].
    pub fn check(&self, now: Timestamp) -> Result<(), String> {
        let lag = self.lag(now);
        if lag <= LAG_MAX { Ok(()) } else { Err(format!("projections are {} s behind", lag.millis() / 1_000)) }
    }
}
