//! The journal in SQL, for a hub that is one process: an SQLite file of its own, or tables in PostgreSQL. The same tables
//! are the archive of a hub of many nodes ([`Archive`]).
//!
//! One writer task commits for all rooms at once: what arrives while a commit is under way goes into the next one. A
//! commit is on the disk before anyone hears of it. Every commit first locks and compares the instance row, so that a
//! process that lost its right changes nothing.

mod archive;
mod feed;
mod lock;
mod rows;
mod statements;
mod writer;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, from_datetime, to_datetime};
use crate::persistence::{Db, On, StoreError};
use crate::sql;

pub use archive::{Archive, Archived, Chunk, Outcome, Standing};
pub use feed::{Feed, Positioned};
pub use lock::{LockError, ProcessLock};
use rows::{LogRow, OutageRow, RecordRow, SnapshotRow};

const QUEUE_CAPACITY: usize = 1_024;
/// How long a transaction of the archive may wait for anything, in PostgreSQL, before the server ends it.
const PATIENCE_MS: u32 = 10_000;
/// Nobody else commits, so that asking is only for what was missed.
const FEED_ASK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
const JOURNAL_MIGRATIONS_TABLE: &str = "_journal_migrations";

/// The journal of one process.
#[derive(Clone)]
pub struct SqlJournal {
    db: Db,
    lease: Lease,
    queue: mpsc::Sender<writer::Request>,
    committed: Arc<tokio::sync::Notify>,
    alive: writer::Alive,
}

/// Brings the tables of the journal up to date.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    match db.write() {
        On::Lite(pool) => {
            let mut migrator = sqlx::migrate!("./migrations/sqlite/journal");
            migrator.dangerous_set_table_name(JOURNAL_MIGRATIONS_TABLE);
            migrator.run(pool).await?;
        }
        On::Pg(pool) => {
            let mut migrator = sqlx::migrate!("./migrations/postgres/journal");
            migrator.dangerous_set_table_name(JOURNAL_MIGRATIONS_TABLE);
            migrator.run(pool).await?;
        }
    }
    Ok(())
}

impl SqlJournal {
    /// Takes the journal over for this process: one epoch more than the process before, and the time since its last
    /// heartbeat written down as an outage. The caller must hold the lock that keeps other processes out.
    ///
    /// The writer ends when every handle is gone, or when it finds that it lost its right; then it cancels `lost`.
    pub async fn take_over(
        db: Db,
        holder: uuid::Uuid,
        clock: &Clock,
        lost: CancellationToken,
    ) -> Result<Self, JournalError> {
        migrate(&db).await?;
        let now = clock.now();
        let mut tx = db.begin().await?;
        let text = "select epoch, heartbeat_at from journal_instance where id = 1";
        let before = sql!(tx.on(), opt(i64, chrono::DateTime<chrono::Utc>), text)?;
        if let Some((_, heartbeat)) = before {
            let text = "insert into journal_outages (lost_from, lost_until) values ($1, $2)";
            sql!(tx.on(), exec, text, heartbeat, to_datetime(now))?;
        }
        let epoch = before.map_or(1, |(epoch, _)| epoch + 1);
        let text = "insert into journal_instance (id, epoch, holder, heartbeat_at) values (1, $1, $2, $3)
             on conflict (id) do update set epoch = $1, holder = $2, heartbeat_at = $3";
        sql!(tx.on(), exec, text, epoch, holder, to_datetime(now))?;
        tx.commit().await?;

        let lease = Lease { epoch: epoch.unsigned_abs(), holder, nonce: 0 };
        let (queue, requests) = mpsc::channel(QUEUE_CAPACITY);
        let committed = Arc::new(tokio::sync::Notify::new());
        let alive = writer::Alive::new(clock.clone());
        let (told, shown) = (committed.clone(), alive.clone());
        let writer =
            writer::Writer { db: db.clone(), lease, clock: clock.clone(), lost, committed: told, alive: shown };
        tokio::spawn(writer.run(requests));
        Ok(Self { db, lease, queue, committed, alive })
    }

    /// The right under which this process appends.
    pub fn lease(&self) -> Lease {
        self.lease
    }

    /// The records of all logs, in the order of their commit, for those who follow them.
    pub fn feed(&self) -> Feed {
        Feed::new(self.db.clone(), self.committed.clone(), FEED_ASK_EVERY)
    }

    /// Writes down that this process can decide bids at this moment, as every commit does.
    pub async fn heartbeat(&self) -> Result<(), JournalError> {
        let (reply, outcome) = oneshot::channel();
        self.queue.send(writer::Request::Heartbeat(reply)).await.map_err(|_| JournalError::Closed)?;
        outcome.await.map_err(|_| JournalError::Closed)
    }
}

#[async_trait::async_trait]
impl Journal for SqlJournal {
    async fn create(&self, log: NewLog) -> Result<(), JournalError> {
        let (reply, outcome) = oneshot::channel();
        let request = writer::Request::Create(Box::new(log), reply);
        self.queue.send(request).await.map_err(|_| JournalError::Closed)?;
        outcome.await.map_err(|_| JournalError::Closed)?
    }

    /// The epoch of the process: it grows with each process, so no log can have a greater one.
    async fn epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError> {
        let text = "select 1 from journal_logs where auction = $1";
        let found = sql!(self.db.read(), opt_scalar i32, text, auction.0)?;
        Ok(found.map(|_| self.lease.epoch))
    }

    /// The log as it is: what is on the disk is all there can be.
    async fn take_over(
        &self,
        auction: AuctionId,
        _lease: Lease,
        _tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError> {
        Ok(self.open(auction).await?.map(|log| TakenOver { log, silence: None, lost: false }))
    }

    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
        open(&self.db, auction).await
    }

    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        read(&self.db, auction, Some(after), limit).await
    }

    async fn append(&self, batch: Batch) -> Result<(), AppendError> {
        let (reply, outcome) = oneshot::channel();
        let gone = |_| AppendError::Unknown("the journal is closed".to_owned());
        self.queue.send(writer::Request::Append(batch, reply)).await.map_err(|_| AppendError::Fenced)?;
        outcome.await.map_err(gone)?
    }

    /// Nothing to do: what is committed is in the archive, for they are one.
    async fn settle(&self, _auction: AuctionId, _head: Head, _limit: std::time::Duration) -> Result<(), JournalError> {
        Ok(())
    }

    async fn save_snapshot(&self, auction: AuctionId, snapshot: Snapshot) -> Result<(), JournalError> {
        let (reply, outcome) = oneshot::channel();
        let request = writer::Request::Snapshot(auction, snapshot, reply);
        self.queue.send(request).await.map_err(|_| JournalError::Closed)?;
        outcome.await.map_err(|_| JournalError::Closed)?
    }

    async fn due_by(&self, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
        due_by(&self.db, at, limit).await
    }

    async fn outages_after(&self, after: Timestamp) -> Result<Vec<Outage>, JournalError> {
        if self.alive.silence().is_some() {
            // The outage that may just have ended is written down by the next commit: this one.
            self.heartbeat().await?;
        }
        let text = "select lost_from, lost_until from journal_outages where lost_until > $1 order by id";
        let rows = sql!(self.db.read(), all OutageRow, text, to_datetime(after))?;
        let outage =
            |row: OutageRow| Outage { from: from_datetime(row.lost_from), until: from_datetime(row.lost_until) };
        Ok(rows.into_iter().map(outage).collect())
    }

    async fn probe(&self) -> Result<(), JournalError> {
        self.heartbeat().await
    }
}

/// Reads what is needed to run an auction, for this process or for one that only looks.
pub async fn open(db: &Db, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
    let text = "select log, secret, head_seq, head_digest, ack from journal_logs where auction = $1";
    let Some(log) = sql!(db.read(), opt LogRow, text, auction.0)? else {
        return Ok(None);
    };
    let text = "select seq, digest, body from journal_snapshots where auction = $1";
    let snapshot = sql!(db.read(), opt SnapshotRow, text, auction.0)?.map(SnapshotRow::into_snapshot).transpose()?;
    let mut first = read(db, auction, None, 1).await?;
    let genesis = first.pop().filter(|record| record.seq == Seq(0)).ok_or_else(|| JournalError::Unreadable {
        auction,
        source: RecordError::Malformed("the creation is missing".to_owned()),
    })?;
    log.into_open_log(genesis, snapshot).map(Some)
}

/// Reads records of one log after `after`, or from the creation on.
pub async fn read(db: &Db, auction: AuctionId, after: Option<Seq>, limit: usize) -> Result<Vec<Record>, JournalError> {
    let text = "select seq, epoch, version, public, private, commitment, digest
         from journal_records where auction = $1 and seq > $2 order by seq limit $3";
    let after = after.map_or(-1, |seq| i64::try_from(seq.0).unwrap_or(i64::MAX));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sql!(db.read(), all RecordRow, text, auction.0, after, limit)?;
    rows.into_iter().map(RecordRow::into_record).collect()
}

/// Auctions in which something falls due by `at`, as far as this database knows, the earliest first.
pub async fn due_by(db: &Db, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
    let text = "select auction from journal_logs where due_at <= $1 order by due_at limit $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let auctions = sql!(db.read(), scalars uuid::Uuid, text, to_datetime(at), limit)?;
    Ok(auctions.into_iter().map(AuctionId).collect())
}

/// What a log is checked against: its key and its head, which are kept apart from its records.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The key of its commitments.
    pub secret: Secret,
    /// Where it ends.
    pub head: Head,
}

/// What the log of `auction` is checked against, for audits; none if there is no such log.
pub async fn anchor(db: &Db, auction: AuctionId) -> Result<Option<Anchor>, JournalError> {
    let text = "select log, secret, head_seq, head_digest, ack from journal_logs where auction = $1";
    sql!(db.read(), opt LogRow, text, auction.0)?.map(LogRow::into_anchor).transpose()
}

/// An auction that has records, but no log, for audits.
pub async fn orphan(db: &Db) -> Result<Option<AuctionId>, JournalError> {
    let text = "select auction from journal_records r
         where not exists (select 1 from journal_logs l where l.auction = r.auction) limit 1";
    Ok(sql!(db.read(), opt_scalar uuid::Uuid, text)?.map(AuctionId))
}

/// Every auction that has a log, for audits.
pub async fn auctions(db: &Db) -> Result<Vec<AuctionId>, JournalError> {
    let text = "select auction from journal_logs order by auction";
    let auctions = sql!(db.read(), scalars uuid::Uuid, text)?;
    Ok(auctions.into_iter().map(AuctionId).collect())
}
