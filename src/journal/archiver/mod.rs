//! Copies what is committed in the live journal into the archive, behind the bidding and never in its way.
//!
//! Each node archives what its own rooms commit. What waits is not kept here: only which logs have grown, and how far; the
//! records are read from the live journal when their turn comes. So however long the database is away, nothing piles up in
//! memory, nothing is trimmed, and archiving goes on exactly where the archive ends. Nothing here decides between two
//! histories: a log that is not the one archived is left alone, and told of.

mod dirty;
mod task;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::sql::Archive;
use super::{Head, JournalError, Packed};
use crate::chance::Chance;
use crate::domain::{AuctionId, LogId, Seq, Span, Timestamp};
use dirty::{Dirty, Reach};

/// How old the oldest record that is not archived may be before the node counts as not ready.
pub const LAG_MAX: Span = Span::from_secs(30);

/// The live journal, as far as archiving needs it.
#[async_trait::async_trait]
pub trait Source: Send + Sync + 'static {
    /// Committed batches that hold records after `after`, whole and in order: as many as make up about `bytes`, but one at
    /// least if there is any.
    async fn unarchived(&self, auction: AuctionId, after: Seq, bytes: usize) -> Result<Unarchived, JournalError>;

    /// Notes that everything up to `head` is archived, unless more is noted already, and then lets go of batches whose
    /// records all lie at or before `trim`.
    async fn mark_archived(&self, auction: AuctionId, head: Head, trim: Option<Seq>) -> Result<(), JournalError>;
}

/// What the live journal has of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unarchived {
    /// The id of the history as it is now, whatever it was when the batches were committed.
    pub log: LogId,
    /// Up to where a snapshot reaches that is kept beside the batches; none if there is no snapshot.
    pub snapshot: Option<Seq>,
    /// The batches.
    pub batches: Vec<Packed>,
}

/// What was waited for is not known to be archived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotArchived {
    /// It was not archived in time.
    #[error("not archived in time")]
    Late,
    /// The archive has another history.
    #[error("the archive has another history")]
    Conflict,
    /// This node has not committed it.
    #[error("nothing is noted that would be archived")]
    Unnoted,
}

/// The archiver of a node, for those who commit and those who wait. Cloning it is cheap.
#[derive(Clone)]
pub struct Archiver {
    archive: Archive,
    chance: Chance,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dirty: Dirty,
    noted: Notify,
    urgent: Notify,
    rounds: watch::Sender<u64>,
}

impl Archiver {
    /// An archiver that writes to `archive`. It archives nothing before [`Archiver::run`].
    pub fn new(archive: Archive, chance: Chance) -> Self {
        Self { archive, chance, shared: Arc::default() }
    }

    /// What it writes to.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The log of `auction` now ends at `head` in the live journal; `due_at` is when something falls due in it by itself.
    /// Called after each commit, and after a take-over of a log that is not archived to its end. Returns at once.
    pub fn note(&self, auction: AuctionId, head: Head, due_at: Option<Timestamp>) {
        self.shared.dirty.note(auction, head, due_at, Instant::now());
        self.shared.noted.notify_one();
    }

    /// Waits until everything up to `seq`, which was noted before, is archived, for `limit` at most.
    pub async fn reached(&self, auction: AuctionId, seq: Seq, limit: Duration) -> Result<(), NotArchived> {
        tokio::time::timeout(limit, self.wait(auction, seq)).await.unwrap_or(Err(NotArchived::Late))
    }

    async fn wait(&self, auction: AuctionId, seq: Seq) -> Result<(), NotArchived> {
        let mut rounds = self.shared.rounds.subscribe();
        let mut seen = false;
        loop {
            rounds.borrow_and_update();
            match self.shared.dirty.reach(auction, seq) {
                Reach::Archived => return Ok(()),
                Reach::Conflict => return Err(NotArchived::Conflict),
                // Only what is archived is forgotten.
                Reach::Unknown if seen => return Ok(()),
                Reach::Unknown => return self.look_up(auction, seq).await,
                Reach::Waits => seen = true,
            }
            self.shared.urgent.notify_one();
            if rounds.changed().await.is_err() {
                return Err(NotArchived::Late);
            }
        }
    }

    async fn look_up(&self, auction: AuctionId, seq: Seq) -> Result<(), NotArchived> {
        let standings = self.archive.standings(&[auction]).await.map_err(|_| NotArchived::Late)?;
        let archived = standings.get(&auction).is_some_and(|it| it.head.seq >= seq);
        if archived { Ok(()) } else { Err(NotArchived::Unnoted) }
    }

    /// How old the oldest record is that waits to be archived. Logs that cannot be archived do not count.
    pub fn lag(&self) -> Span {
        let (_, lag) = self.shared.dirty.lag(Instant::now());
        Span::from_millis(i64::try_from(lag.as_millis()).unwrap_or(i64::MAX))
    }

    /// For the probe of readiness: an error once the lag is more than [`LAG_MAX`].
    pub fn check(&self) -> Result<(), String> {
        let lag = self.lag();
        if lag <= LAG_MAX { Ok(()) } else { Err(format!("the archive is {} s behind", lag.millis() / 1_000)) }
    }
}

impl std::fmt::Debug for Archiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archiver").field("lag", &self.lag()).finish_non_exhaustive()
    }
}
