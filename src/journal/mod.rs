//! The durable, ordered log of every auction, and the port to it. What is committed here has happened; nothing else has.
//!
//! A log is a chain of [`Record`]s: number 0 is the creation with its terms, then one for each event. The journal stores,
//! compares and reads records; it never decides a bid and never knows who is connected.

pub mod archiver;
pub mod chain;
pub mod packed;
pub mod public;
pub mod record;
pub mod redis;
pub mod snapshot;
pub mod sql;

mod private;

use std::sync::Arc;

use crate::domain::{AuctionId, LogId, Seq, Timestamp};

pub use chain::{Chain, Digest, Secret};
pub use packed::Packed;
pub use record::{Record, RecordError};
pub use snapshot::Snapshot;

/// A position in a log: its last number and digest. Two logs with the same head are the same log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The number of the last record.
    pub seq: Seq,
    /// The digest of the last record, which commits to all before it.
    pub digest: Digest,
}

/// The right to append, of one holder at a time. It is compared whole: a number alone can come back after a failover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The number of the holding: greater than that of every holder before.
    pub epoch: u64,
    /// Who holds it: a node of the cluster, or the one process.
    pub holder: uuid::Uuid,
    /// Drawn anew for each holding, so that no two are alike.
    pub nonce: u64,
}

impl std::fmt::Display for Lease {
    /// `epoch:holder:nonce`, the nonce as 16 hex digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{:016x}", self.epoch, self.holder, self.nonce)
    }
}

impl std::str::FromStr for Lease {
    type Err = MalformedLease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(MalformedLease);
        let epoch = part()?.parse().map_err(|_| MalformedLease)?;
        let holder = part()?.parse().map_err(|_| MalformedLease)?;
        let nonce = u64::from_str_radix(part()?, 16).map_err(|_| MalformedLease)?;
        Ok(Self { epoch, holder, nonce })
    }
}

/// A text that names no lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a lease, which is written as epoch:holder:nonce")]
pub struct MalformedLease;

/// How safe what was committed must be before anyone hears of it. One process with its own database knows only one
/// answer: it is on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AckLevel {
    /// The live journal has it.
    #[default]
    Redis,
    /// Every configured replica of the live journal has it too.
    Replica,
    /// The archive in SQL has it too.
    Sql,
}

impl AckLevel {
    /// Its name in requests, answers and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Replica => "replica",
            Self::Sql => "sql",
        }
    }

    /// The level with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Redis, Self::Replica, Self::Sql].into_iter().find(|level| level.name() == name)
    }
}

/// A log to be created.
#[derive(Clone, Debug)]
pub struct NewLog {
    /// Whose log.
    pub auction: AuctionId,
    /// The id of this unbroken history.
    pub log: LogId,
    /// The key of its commitments.
    pub secret: Secret,
    /// The record of the creation.
    pub genesis: Record,
    /// When its auction opens.
    pub due_at: Option<Timestamp>,
    /// How safe its records must be before anyone hears of them.
    pub ack: AckLevel,
}

/// What is needed to run an auction from its log.
#[derive(Clone, Debug)]
pub struct OpenLog {
    /// The id of this unbroken history.
    pub log: LogId,
    /// The key of its commitments.
    pub secret: Secret,
    /// The record of the creation.
    pub genesis: Record,
    /// The newest snapshot, if one was saved.
    pub snapshot: Option<Snapshot>,
    /// Where the log ends.
    pub head: Head,
    /// How safe its records must be before anyone hears of them.
    pub ack: AckLevel,
}

/// A log made ready for a new holder.
#[derive(Clone, Debug)]
pub struct TakenOver {
    /// The log as it now stands.
    pub log: OpenLog,
    /// The time since the holder before was last known to live, unless that one let go in good order.
    pub silence: Option<Outage>,
    /// Records that were committed are gone or may be, so that the log has a new id.
    pub lost: bool,
}

/// Records to append to one log, in one piece or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose log.
    pub auction: AuctionId,
    /// The id of the history that it goes on with.
    pub log: LogId,
    /// How safe it must be before the append returns.
    pub ack: AckLevel,
    /// By which right.
    pub lease: Lease,
    /// The head that the records build on.
    pub onto: Head,
    /// The records, in order.
    pub records: Arc<[Record]>,
    /// When something falls due in the auction by itself, after these records.
    pub due_at: Option<Timestamp>,
}

/// A stretch of time in which no bid could be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage {
    /// The last moment at which bids surely could be decided.
    pub from: Timestamp,
    /// The moment of recovery.
    pub until: Timestamp,
}

/// A place to keep logs.
#[async_trait::async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Creates a log. A log that is there already stays as it is, and the call fails.
    async fn create(&self, log: NewLog) -> Result<(), JournalError>;

    /// The greatest epoch that this journal knows of in the log; none if there is no such log. The next holder takes a
    /// greater one.
    async fn epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError>;

    /// Makes the log ready for the holder of `lease`, who has just acquired it. If the journal may have lost records, the
    /// best valid chain goes on among what it has and the `tails` that mirrors still hold, and what is missing is written
    /// down. None if there is no such log.
    async fn take_over(
        &self,
        auction: AuctionId,
        lease: Lease,
        tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError>;

    /// What is needed to follow the auction; none if there is no such log.
    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError>;

    /// Up to `limit` records after `after`, in order and without a gap.
    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError>;

    /// Appends a batch. When it returns, the batch is as durable as the adapter promises.
    /// After any error the caller must read the log again before building on it.
    async fn append(&self, batch: Batch) -> Result<(), AppendError>;

    /// Writes down that everything up to `head` is archived, so that nothing is left to do when the room goes away. Fails
    /// if it is not archived within `limit`.
    async fn settle(&self, auction: AuctionId, head: Head, limit: std::time::Duration) -> Result<(), JournalError>;

    /// Keeps a snapshot in place of the one before. Losing it costs time, never truth.
    async fn save_snapshot(&self, auction: AuctionId, snapshot: Snapshot) -> Result<(), JournalError>;

    /// Auctions in which something falls due by `at`, the earliest first.
    async fn due_by(&self, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError>;

    /// The outages that ended after `after`, in order.
    async fn outages_after(&self, after: Timestamp) -> Result<Vec<Outage>, JournalError>;

    /// Answers if the journal could be written to just now.
    async fn probe(&self) -> Result<(), JournalError>;
}

/// The journal could not do what was asked; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A log with this id is there already.
    #[error("auction {0} has a log already")]
    Exists(AuctionId),
    /// A record that this program cannot read, so that its auction must not be run by it.
    #[error("auction {auction}: {source}")]
    Unreadable {
        /// Whose log.
        auction: AuctionId,
        /// What is wrong.
        source: RecordError,
    },
    /// The storage behind it failed.
    #[error(transparent)]
    Store(#[from] crate::persistence::StoreError),
    /// The live journal failed.
    #[error(transparent)]
    Redis(#[from] crate::persistence::RedisError),
    /// Two histories of one log, of which neither is the beginning of the other.
    #[error("auction {auction}: two histories part at {at:?}")]
    Fork {
        /// Whose log.
        auction: AuctionId,
        /// The last number that both have in common.
        at: Seq,
    },
    /// What had to be in the archive is not known to be.
    #[error(transparent)]
    NotArchived(#[from] archiver::NotArchived),
    /// Another holder has the right.
    #[error("another holder owns the log")]
    Fenced,
    /// The writer has stopped.
    #[error("the journal is closed")]
    Closed,
}

impl From<sqlx::Error> for JournalError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An append did not come back as committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another holder has the right; this one must fall silent.
    #[error("another holder owns the log")]
    Fenced,
    /// The log does not end where the batch builds on.
    #[error("the log has another head")]
    HeadMoved,
    /// Committed or not, nobody knows before the log is read again.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}
