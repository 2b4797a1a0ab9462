//! What the logs say of allowances and of ends, for those who hold the books against them. It reads beside a running hub, page
//! by page, and keeps of a log no more than it was asked for. Whether the log itself is right is [`super::journal`]'s.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::auction::{Event, EventKind, Terms};
use crate::domain::{AccountId, AuctionId, Money, Seq};
use crate::journal::redis::RedisJournal;
use crate::journal::sql;
use crate::journal::{Head, JournalError, Record, RecordError};
use crate::persistence::Db;

/// How many records are read at once.
const PAGE_RECORDS: usize = 1_024;
/// How often a page is asked for again that should be there, and how long between: records go from the live journal to the
/// archive, and for a moment they are found in neither by one look.
const MISSES_MAX: u32 = 40;
const MISS_WAIT: Duration = Duration::from_millis(50);

/// Where the logs of a hub are read.
pub enum Logs {
    /// In SQL: all there is of a hub that is one process; of many nodes, what is archived.
    Sql(Db),
    /// In the live journal of many nodes, and in the archive behind it.
    Live(Box<RedisJournal>, Db),
}

/// What a log says of allowances, up to where it was read.
#[derive(Clone, Debug, Default)]
pub struct Allowances {
    head: Option<Head>,
    /// For each bidder every version with its allowance, in the order of the log.
    pub told: HashMap<AccountId, Vec<(u64, Money)>>,
}

impl Logs {
    /// All allowances in the log of `auction`, up to where it ends now; `known` is what was read before, or nothing. None if
    /// there is no such log.
    pub async fn allowances(&self, auction: AuctionId, known: Allowances) -> Result<Option<Allowances>, JournalError> {
        let Some(end) = self.end(auction).await? else { return Ok(None) };
        let mut read = known;
        let mut after = match read.head {
            Some(head) if self.has(auction, head).await? => head.seq,
            // Nothing was read yet, or the log went on from before there, as it may after a failover. What is read twice
            // does no harm.
            _ => Seq(0),
        };
        let mut misses = 0;
        while after < end {
            let page = self.page(auction, after, PAGE_RECORDS).await?;
            if page.is_empty() {
                misses += 1;
                if misses > MISSES_MAX {
                    let source =
                        RecordError::Malformed(format!("there is no record after {after}, and it ends at {end}"));
                    return Err(JournalError::Unreadable { auction, source });
                }
                tokio::time::sleep(MISS_WAIT).await;
            }
            for record in &page {
                after = record.seq;
                read.head = Some(Head { seq: record.seq, digest: record.digest });
                if let EventKind::AllowanceSet { bidder, amount, version } = event(auction, record)?.kind {
                    read.told.entry(bidder).or_default().push((version, amount));
                }
            }
        }
        Ok(Some(read))
    }

    /// The archived event `seq` of `auction`; none if there is none.
    pub async fn event(&self, auction: AuctionId, seq: Seq) -> Result<Option<Event>, JournalError> {
        let Some(before) = seq.0.checked_sub(1).map(Seq) else { return Ok(None) };
        let record = self.archived(auction, Some(before)).await?.filter(|record| record.seq == seq);
        record.map(|record| event(auction, &record)).transpose()
    }

    /// The terms that the log of `auction` begins with; none if there is no such log.
    pub async fn terms(&self, auction: AuctionId) -> Result<Option<Terms>, JournalError> {
        let Some(record) = self.archived(auction, None).await? else { return Ok(None) };
        let genesis = record.genesis().map_err(|source| JournalError::Unreadable { auction, source });
        Ok(Some(genesis?.2))
    }

    /// The archived record after `after`, or the first. A log begins in the archive, wherever it lives.
    async fn archived(&self, auction: AuctionId, after: Option<Seq>) -> Result<Option<Record>, JournalError> {
        let (Self::Sql(db) | Self::Live(_, db)) = self;
        Ok(sql::read(db, auction, after, 1).await?.pop())
    }

    /// Where the log ends, here or there. Redis may have lost what is archived, until somebody takes the log over.
    async fn end(&self, auction: AuctionId) -> Result<Option<Seq>, JournalError> {
        let (Self::Sql(db) | Self::Live(_, db)) = self;
        let archived = sql::anchor(db, auction).await?.map(|anchor| anchor.head.seq);
        let live = match self {
            Self::Sql(_) => None,
            Self::Live(redis, _) => redis.committed_head(auction).await?.map(|head| head.seq),
        };
        Ok(archived.max(live))
    }

    async fn page(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        let (Self::Sql(db) | Self::Live(_, db)) = self;
        if let Self::Live(redis, _) = self {
            let records = redis.read_committed(auction, after, limit).await?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
        sql::read(db, auction, Some(after), limit).await
    }

    /// True if the log still has the record that was read last.
    async fn has(&self, auction: AuctionId, head: Head) -> Result<bool, JournalError> {
        let Some(before) = head.seq.0.checked_sub(1).map(Seq) else { return Ok(true) };
        let found = self.page(auction, before, 1).await?.pop();
        Ok(found.is_some_and(|record| (record.seq, record.digest) == (head.seq, head.digest)))
    }
}

fn event(auction: AuctionId, record: &Record) -> Result<Event, JournalError> {
    record.event().map_err(|source| JournalError::Unreadable { auction, source })
}
