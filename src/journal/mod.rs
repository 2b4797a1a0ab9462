//! The durable, ordered log of every auction, and the port to it. What is committed here has happened; nothing else has.
//!
//! A log is a chain of [`Record`]s: number 0 is the creation with its terms, then one for each event. The journal stores,
//! compares and reads records; it never decides a bid and never knows who is connected.

pub mod chain;
pub mod public;
pub mod record;
pub mod snapshot;
pub mod sql;

mod private;

use crate::domain::{AuctionId, LogId, Seq, Timestamp};

pub use chain::{Chain, Digest, Secret};
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

/// The right to append, of one holder at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The number of the holding: greater than that of every holder before.
    pub epoch: u64,
    /// Who holds it.
    pub holder: uuid::Uuid,
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
}

/// Records to append to one log, in one piece or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose log.
    pub auction: AuctionId,
    /// By which right.
    pub lease: Lease,
    /// The head that the records build on.
    pub onto: Head,
    /// The records, in order.
    pub records: Vec<Record>,
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

    /// What is needed to run the auction; none if there is no such log.
    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError>;

    /// Up to `limit` records after `after`, in order and without a gap.
    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError>;

    /// Appends a batch. When it returns, the batch is as durable as the adapter promises.
    /// After any error the caller must read the log again before building on it.
    async fn append(&self, batch: Batch) -> Result<(), AppendError>;

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
