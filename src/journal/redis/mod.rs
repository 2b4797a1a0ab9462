//! The journal that many nodes share: live logs in Redis, as streams; SQL behind it as the archive, where a log begins
//! and where it is found again when Redis has nothing of it.
//!
//! A commit is one script, which compares the lease and the head before it writes. Nothing is ever sent twice: an answer
//! that did not come is an unknown outcome, and whoever asked takes the log over anew.

pub mod keys;

mod append;
mod archived;
mod meta;
mod read;
mod repair;
mod take_over;

use std::sync::Arc;
use std::time::Duration;

use ::redis::cmd;
use bytes::Bytes;

use super::archiver::Archiver;
use super::sql::Archive;
use super::*;
use crate::persistence::{Redis, RedisError};
use append::Scripts;
use meta::{Fields, Meta};

/// How long the meta of a log that nobody touches is kept.
pub const META_TTL: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How long the entries of a log are kept once all of them are archived and nobody commits.
const SETTLED_TTL: Duration = Duration::from_secs(3_600);
/// How long SQL may take to answer where the journal can do without.
const SQL_PATIENCE: Duration = Duration::from_millis(300);

/// How this journal is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How long a lease lasts from each commit.
    pub lease_ttl: Duration,
    /// How many replicas there are that must have what is committed at the level `replica`.
    pub replicas: usize,
    /// How long a commit may take to become as safe as it must be: less than an answer of Redis may take.
    pub safe_within: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { lease_ttl: Duration::from_secs(5), replicas: 0, safe_within: Duration::from_secs(1) }
    }
}

/// The journal of a hub of many nodes.
#[derive(Clone)]
pub struct RedisJournal {
    redis: Redis,
    /// For what is long and can wait: nothing of it stands before a commit.
    bulk: Redis,
    archiver: Archiver,
    keeping: Keeping,
    scripts: Arc<Scripts>,
}

impl RedisJournal {
    /// A journal in `redis`, archived by `archiver`, whose tables are there. The archiver must be run with it as its source.
    /// Records and snapshots are read and kept by way of `bulk`, which should have connections of its own.
    pub fn new(redis: Redis, bulk: Redis, archiver: Archiver, keeping: Keeping) -> Self {
        Self { redis, bulk, archiver, keeping, scripts: Arc::default() }
    }

    fn archive(&self) -> &Archive {
        self.archiver.archive()
    }

    async fn meta(&self, auction: AuctionId) -> Result<Option<Meta>, JournalError> {
        let fields: Fields = self.redis.run(cmd("HGETALL").arg(keys::meta(auction))).await?;
        Meta::read(auction, &fields)
    }

    async fn snapshot(&self, auction: AuctionId) -> Result<Option<Snapshot>, JournalError> {
        let fields: Fields = self.bulk.run(cmd("HGETALL").arg(keys::snapshot(auction))).await?;
        Ok(meta::snapshot(&fields))
    }
}

#[async_trait::async_trait]
impl Journal for RedisJournal {
    /// The log begins in SQL. That Redis hears of it at once lets the first holder know that nothing was lost since.
    async fn create(&self, log: NewLog) -> Result<(), JournalError> {
        self.archive().create(&log).await?;
        let meta = Meta::of_new(&log);
        let mut args: Vec<Bytes> = vec![millis(META_TTL).to_string().into()];
        for (name, value) in [meta.constants(), meta.position(), vec![("released", b"1".to_vec())]].concat() {
            args.extend([Bytes::from_static(name.as_bytes()), value.into()]);
        }
        let noted = self.redis.script::<i64>(&self.scripts.create, &[&keys::meta(log.auction)], slices(&args)).await;
        if let Err(error) = noted {
            tracing::warn!(auction = %log.auction, %error, "a new log is not noted in Redis yet: {error}");
        }
        Ok(())
    }

    async fn epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError> {
        let facts = self.facts(auction).await?;
        let asked = tokio::time::timeout(SQL_PATIENCE, self.archive().last_epoch(auction));
        let archived = match asked.await {
            Ok(Ok(epoch)) => epoch,
            _ if facts.is_trusted() => None,
            Ok(Err(error)) => return Err(error),
            Err(_) => self.archive().last_epoch(auction).await?,
        };
        let live = facts.has_log().then(|| facts.epoch());
        Ok(archived.map(|archived| archived.max(facts.epoch())).max(live))
    }

    async fn take_over(
        &self,
        auction: AuctionId,
        lease: Lease,
        tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError> {
        self.take(auction, lease, tails).await
    }

    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
        match tokio::try_join!(self.meta(auction), self.snapshot(auction))? {
            (Some(meta), snapshot) => Ok(Some(meta.into_open_log(snapshot))),
            (None, _) => self.archive().open(auction).await,
        }
    }

    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        self.read_told(auction, after, limit).await
    }

    async fn append(&self, batch: Batch) -> Result<(), AppendError> {
        self.commit(batch).await
    }

    async fn settle(&self, auction: AuctionId, head: Head, limit: Duration) -> Result<(), JournalError> {
        self.archiver.reached(auction, head.seq, limit).await?;
        // Nothing of it is needed here any more; a commit or a take-over keeps it again.
        let mut expire = cmd("PEXPIRE");
        let _: i64 = self.redis.run(expire.arg(keys::log(auction)).arg(millis(SETTLED_TTL))).await?;
        // When Redis forgets the log, its snapshot is found with it. Losing it costs time, never truth.
        if let Some(snapshot) = self.snapshot(auction).await?
            && let Err(error) = self.archive().save_snapshot(auction, &snapshot).await
        {
            tracing::warn!(%auction, %error, "a snapshot could not be archived: {error}");
        }
        Ok(())
    }

    async fn save_snapshot(&self, auction: AuctionId, snapshot: Snapshot) -> Result<(), JournalError> {
        let keys = [keys::meta(auction), keys::snapshot(auction)];
        let args = (snapshot.head.seq.0, hex::encode(snapshot.head.digest.0), snapshot.body);
        let _: i64 = self.bulk.script(&self.scripts.snapshot, &keys.each_ref().map(String::as_str), args).await?;
        Ok(())
    }

    /// As far as is archived: a backstop for what the nodes tell each other.
    async fn due_by(&self, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
        self.archive().due_by(at, limit).await
    }

    async fn outages_after(&self, after: Timestamp) -> Result<Vec<Outage>, JournalError> {
        Ok(outages_after(&self.redis, after).await?)
    }

    async fn probe(&self) -> Result<(), JournalError> {
        Ok(self.redis.run(cmd("SET").arg(keys::PROBE).arg(1).arg("PX").arg(10_000)).await?)
    }
}

/// The outages of the whole hub that ended after `after`, in order; those of the last seven days at most.
pub async fn outages_after(redis: &Redis, after: Timestamp) -> Result<Vec<Outage>, RedisError> {
    let noted: Vec<String> = redis.run(cmd("LRANGE").arg(keys::OUTAGES).arg(0).arg(-1)).await?;
    let noted = noted.iter().filter_map(|text| read_outage(text));
    let mut outages: Vec<Outage> = noted.filter(|outage| outage.until > after).collect();
    outages.sort_by_key(|outage| (outage.until, outage.from));
    Ok(outages)
}

fn read_outage(text: &str) -> Option<Outage> {
    let (from, until) = text.split_once(':')?;
    let at = |text: &str| text.parse().ok().map(Timestamp::from_millis);
    Some(Outage { from: at(from)?, until: at(until)? })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn slices(args: &[Bytes]) -> Vec<&[u8]> {
    args.iter().map(|arg| &arg[..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_read_back() {
        let at = Timestamp::from_millis;
        assert_eq!(read_outage("5:9"), Some(Outage { from: at(5), until: at(9) }));
        assert_eq!(read_outage("5"), None);
    }
}
