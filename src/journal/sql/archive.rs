//! The archive of a hub of many nodes: the tables of the journal, into which committed records are copied in bulk.
//!
//! Every transaction of every node first locks the instance row, so that positions are given out in the order of commits.
//! A log moves on by compare-and-set from where it ends. Nothing that is archived is ever overwritten, and nothing here
//! decides which of two histories is right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::rows::{StandingRow, digest};
use super::statements::{Move, create, insert, move_heads, number, save_snapshot};
use super::{Feed, PATIENCE_MS};
use crate::clock::{Clock, to_datetime};
use crate::domain::{AuctionId, LogId, Seq, Timestamp};
use crate::journal::chain::{self, BrokenChain};
use crate::journal::{Digest, Head, JournalError, NewLog, OpenLog, Record, Snapshot};
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// Other nodes archive too, and people wait for what follows from it.
const FEED_ASK_EVERY: Duration = Duration::from_millis(200);

/// The archive, as one node writes to it. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Archive {
    db: Db,
    node: Uuid,
    clock: Clock,
    moved: Arc<Notify>,
}

/// Committed records of one log, to be archived.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Whose log.
    pub auction: AuctionId,
    /// The history that it is now, whatever it was when the records were committed.
    pub log: LogId,
    /// The position that the first record follows.
    pub onto: Head,
    /// The records, in order; none to ask only whether `onto` is archived.
    pub records: Vec<Record>,
    /// When something falls due in the auction by itself, after these records.
    pub due_at: Option<Timestamp>,
}

/// What became of a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The archive holds all of it; there, its log ends at `head`.
    Archived {
        /// Where the archived log ends.
        head: Head,
        /// How many records were new to it.
        new: usize,
    },
    /// The archive has another record with this number. Nothing was written.
    Conflict {
        /// The number.
        at: Seq,
        /// The digest of the record that is archived.
        archived: Digest,
        /// The digest of the record that should be.
        live: Digest,
    },
    /// The archive ends before the chunk begins, here; or has no such log. Nothing was written.
    Behind(Option<Head>),
    /// The archive knows the log by another id: one side has not heard yet that records were lost. Nothing was written.
    OtherLog(LogId),
    /// The records do not follow from each other. Nothing was written.
    Broken(BrokenChain),
}

/// What the archive knows of a log and its end.
#[derive(Clone, Debug)]
pub struct Archived {
    /// The log as it is archived.
    pub log: OpenLog,
    /// The holding under which its last record was written.
    pub epoch: u64,
}

/// Where an archived log stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The id of this history.
    pub log: LogId,
    /// Where it ends.
    pub head: Head,
}

impl Chunk {
    /// The position of its last record.
    pub fn head(&self) -> Head {
        self.records.last().map_or(self.onto, |last| Head { seq: last.seq, digest: last.digest })
    }

    /// Fails unless each record follows from the one before, as far as public bytes and commitments tell.
    fn check(&self) -> Result<(), BrokenChain> {
        let mut head = self.onto;
        for record in &self.records {
            if record.seq != head.seq.next() {
                return Err(BrokenChain::Gap);
            }
            if chain::digest(head.digest, record.public.as_bytes(), &record.commitment) != record.digest {
                return Err(BrokenChain::Digest);
            }
            head = Head { seq: record.seq, digest: record.digest };
        }
        Ok(())
    }

    /// The digest of its record `seq`, or of the one that it builds on.
    fn digest(&self, seq: Seq) -> Option<Digest> {
        if seq == self.onto.seq {
            return Some(self.onto.digest);
        }
        let index = usize::try_from(seq.0.checked_sub(self.onto.seq.0 + 1)?).ok()?;
        self.records.get(index).map(|record| record.digest)
    }
}

impl Archive {
    /// The archive in `db`, as `node` writes to it. The tables must be up to date.
    pub fn new(db: Db, node: Uuid, clock: Clock) -> Self {
        Self { db, node, clock, moved: Arc::new(Notify::new()) }
    }

    /// The archived records of all logs, in the order of their commit.
    pub fn feed(&self) -> Feed {
        Feed::new(self.db.clone(), self.moved.clone(), FEED_ASK_EVERY)
    }

    /// Creates a log with its first record. A log that is there already stays as it is, and the call fails.
    pub async fn create(&self, log: &NewLog) -> Result<(), JournalError> {
        let mut tx = self.begin(log.genesis.epoch).await?;
        if !create(&mut tx, log).await? {
            return Err(JournalError::Exists(log.auction));
        }
        insert(&mut tx, &[(log.auction, &log.genesis)]).await?;
        self.commit(tx).await
    }

    /// Archives chunks, at most one of an auction, in one transaction. What can be archived is; for the rest it is said
    /// why not. On an error nothing is known to be archived; the same may be asked again, as often as need be.
    pub async fn archive(&self, chunks: &[Chunk]) -> Result<Vec<Outcome>, JournalError> {
        let epoch = chunks.iter().flat_map(|chunk| &chunk.records).map(|record| record.epoch).max();
        let mut tx = self.begin(epoch.unwrap_or(0)).await?;
        let standings = standings_in(&mut tx, chunks).await?;
        let mut outcomes = Vec::with_capacity(chunks.len());
        let (mut moves, mut rows) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let outcome = match plan(standings.get(&chunk.auction), chunk) {
                Plan::Told(outcome) => outcome,
                Plan::Compare(head) => compare(&mut tx, chunk, head).await?,
                Plan::Append { from, skip } => {
                    let new = &chunk.records[skip..];
                    if !new.is_empty() {
                        moves.push(Move { auction: chunk.auction, from, to: chunk.head(), due_at: chunk.due_at });
                        rows.extend(new.iter().map(|record| (chunk.auction, record)));
                    }
                    Outcome::Archived { head: chunk.head(), new: new.len() }
                }
            };
            outcomes.push(outcome);
        }
        move_heads(&mut tx, &moves).await?;
        insert(&mut tx, &rows).await?;
        self.commit(tx).await?;
        Ok(outcomes)
    }

    /// What is needed to run an auction, as far as it is archived; none if there is no such log.
    pub async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
        super::open(&self.db, auction).await
    }

    /// Up to `limit` archived records of a log after `after`.
    pub async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        super::read(&self.db, auction, Some(after), limit).await
    }

    /// What is archived of a log, with the epoch of its end; none if there is no such log.
    pub async fn archived(&self, auction: AuctionId) -> Result<Option<Archived>, JournalError> {
        let Some(log) = self.open(auction).await? else { return Ok(None) };
        Ok(Some(Archived { log, epoch: self.last_epoch(auction).await?.unwrap_or(0) }))
    }

    /// Auctions in which something falls due by `at`, as far as is archived, the earliest first.
    pub async fn due_by(&self, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
        super::due_by(&self.db, at, limit).await
    }

    /// Keeps a snapshot in place of the one before.
    pub async fn save_snapshot(&self, auction: AuctionId, snapshot: &Snapshot) -> Result<(), JournalError> {
        let mut tx = self.db.begin().await?;
        save_snapshot(&mut tx, auction, snapshot).await?;
        Ok(tx.commit().await?)
    }

    /// Where these logs stand; those that are not there are left out.
    pub async fn standings(&self, auctions: &[AuctionId]) -> Result<HashMap<AuctionId, Standing>, JournalError> {
        let rows = match self.db.read() {
            _ if auctions.is_empty() => Vec::new(),
            On::Lite(on) => standings_query(auctions).build_query_as().persistent(false).fetch_all(on).await?,
            On::Pg(on) => standings_query(auctions).build_query_as().persistent(false).fetch_all(on).await?,
        };
        rows.into_iter().map(StandingRow::into_standing).collect()
    }

    /// The epoch of the last archived record of a log; none if there is no such log.
    pub async fn last_epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError> {
        let text = "select epoch from journal_records where auction = $1 order by seq desc limit 1";
        Ok(sql!(self.db.read(), opt_scalar i64, text, auction.0)?.map(i64::unsigned_abs))
    }

    /// Gives the log `from.0` the id `to`, for records of it were lost or may be. False if it does not have that id any
    /// more, or does not end at `from.1`.
    pub async fn set_log(&self, auction: AuctionId, from: (LogId, Head), to: LogId) -> Result<bool, JournalError> {
        let (log, head) = from;
        let text = "update journal_logs set log = $1
             where auction = $2 and (log = $3 or log = $1) and head_seq = $4 and head_digest = $5";
        let digest = head.digest.0.to_vec();
        let set = sql!(self.db.write(), exec, text, to.0, auction.0, log.0, number(head.seq.0), digest)?;
        Ok(set == 1)
    }

    /// Begins a transaction that nothing else in the archive stands beside. A process that has the tables for itself
    /// alone finds at its next commit that it has not any more; one that takes them over later begins at a greater epoch
    /// than any archived, and knows when nodes last wrote.
    async fn begin(&self, epoch: u64) -> Result<Tx, JournalError> {
        let mut tx = self.db.begin().await?;
        if let On::Pg(on) = tx.on() {
            // A node that is paused while it holds the lock must not hold up all others for long.
            let text = "select set_config('idle_in_transaction_session_timeout', $1, true),
                 set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)";
            sqlx::query(text).bind(PATIENCE_MS.to_string()).execute(on).await?;
        }
        let text = "insert into journal_instance (id, epoch, holder, heartbeat_at) values (1, $1, $2, $3)
             on conflict (id) do update set holder = excluded.holder,
                 epoch = case when excluded.epoch > journal_instance.epoch
                     then excluded.epoch else journal_instance.epoch end,
                 heartbeat_at = case when excluded.heartbeat_at > journal_instance.heartbeat_at
                     then excluded.heartbeat_at else journal_instance.heartbeat_at end";
        sql!(tx.on(), exec, text, number(epoch), self.node, to_datetime(self.clock.now()))?;
        Ok(tx)
    }

    async fn commit(&self, tx: Tx) -> Result<(), JournalError> {
        tx.commit().await?;
        self.moved.notify_one();
        Ok(())
    }
}

/// What is to be done with a chunk.
enum Plan {
    Told(Outcome),
    /// Append its records from this index on.
    Append {
        from: Head,
        skip: usize,
    },
    /// The archived log goes beyond the chunk, to this head: compare the chunk's end with the record of the same number.
    Compare(Head),
}

fn plan(standing: Option<&Standing>, chunk: &Chunk) -> Plan {
    if let Err(broken) = chunk.check() {
        return Plan::Told(Outcome::Broken(broken));
    }
    let Some(Standing { log, head }) = standing.copied() else { return Plan::Told(Outcome::Behind(None)) };
    if log != chunk.log {
        return Plan::Told(Outcome::OtherLog(log));
    }
    if head.seq < chunk.onto.seq {
        return Plan::Told(Outcome::Behind(Some(head)));
    }
    let Some(live) = chunk.digest(head.seq) else { return Plan::Compare(head) };
    if live != head.digest {
        return Plan::Told(Outcome::Conflict { at: head.seq, archived: head.digest, live });
    }
    let skip = usize::try_from(head.seq.0 - chunk.onto.seq.0).unwrap_or(usize::MAX);
    Plan::Append { from: head, skip: skip.min(chunk.records.len()) }
}

async fn compare(tx: &mut Tx, chunk: &Chunk, head: Head) -> Result<Outcome, JournalError> {
    let Head { seq: at, digest: live } = chunk.head();
    let text = "select digest from journal_records where auction = $1 and seq = $2";
    let archived = sql!(tx.on(), opt_scalar Vec<u8>, text, chunk.auction.0, number(at.0))?;
    let missing = || StoreError::Inconsistent {
        table: "journal_records",
        detail: format!("auction {} ends at {} and has no record {at}", chunk.auction, head.seq),
    };
    let archived = digest("journal_records", archived.ok_or_else(missing)?)?;
    Ok(match archived == live {
        true => Outcome::Archived { head, new: 0 },
        false => Outcome::Conflict { at, archived, live },
    })
}

async fn standings_in(tx: &mut Tx, chunks: &[Chunk]) -> Result<HashMap<AuctionId, Standing>, JournalError> {
    let auctions: Vec<AuctionId> = chunks.iter().map(|chunk| chunk.auction).collect();
    let rows = match tx.on() {
        _ if auctions.is_empty() => Vec::new(),
        On::Lite(on) => standings_query(&auctions).build_query_as().persistent(false).fetch_all(on).await?,
        On::Pg(on) => standings_query(&auctions).build_query_as().persistent(false).fetch_all(on).await?,
    };
    rows.into_iter().map(StandingRow::into_standing).collect()
}

fn standings_query<'a, D>(auctions: &[AuctionId]) -> sqlx::QueryBuilder<D>
where
    D: sqlx::Database,
    Uuid: sqlx::Encode<'a, D> + sqlx::Type<D>,
{
    let text = "select auction, log, head_seq, head_digest from journal_logs where auction in (";
    let mut builder = sqlx::QueryBuilder::new(text);
    let mut ids = builder.separated(", ");
    for auction in auctions {
        ids.push_bind(auction.0);
    }
    builder.push(")");
    builder
}
