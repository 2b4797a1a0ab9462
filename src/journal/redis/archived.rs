//! What the archiver needs of the live journal.

use ::redis::{Value, cmd};

use super::*;
use crate::journal::archiver::{Source, Unarchived};

/// How many batches are asked for at once: Redis does nothing else while it answers.
const BATCHES: usize = 8;

#[async_trait::async_trait]
impl Source for RedisJournal {
    async fn unarchived(&self, auction: AuctionId, after: Seq, bytes: usize) -> Result<Unarchived, JournalError> {
        let (log, meta, snapshot) = (keys::log(auction), keys::meta(auction), keys::snapshot(auction));
        let (mut id, mut covered) = (cmd("HGET"), cmd("HGET"));
        id.arg(&meta).arg("log");
        covered.arg(&snapshot).arg("seq");
        let (id, covered) =
            tokio::try_join!(self.redis.run::<Option<String>>(&id), self.redis.run::<Option<u64>>(&covered))?;
        let malformed = |what: &str| JournalError::Unreadable {
            auction,
            source: RecordError::Malformed(format!("{what} is not there or makes no sense")),
        };
        let id = id.and_then(|id| id.parse().ok()).ok_or_else(|| malformed("the id of the log"))?;
        let (mut batches, mut taken, mut from) = (Vec::new(), 0, after.next().0);
        while taken < bytes {
            let mut range = cmd("XRANGE");
            range.arg(&log).arg(from).arg("+").arg("COUNT").arg(BATCHES);
            let entries: Vec<(String, Vec<(String, Value)>)> = self.bulk.run(&range).await?;
            let last = entries.len() < BATCHES;
            for (_, fields) in entries {
                let Some((_, Value::BulkString(packed))) = fields.into_iter().find(|(name, _)| name == "b") else {
                    return Err(malformed("a batch"));
                };
                taken += packed.len();
                let batch = Packed::unpack(&packed).map_err(|source| JournalError::Unreadable { auction, source })?;
                from = batch.records.last().map_or(from, |last| last.seq.0 + 1);
                batches.push(batch);
            }
            if last {
                break;
            }
        }
        Ok(Unarchived { log: id, snapshot: covered.map(Seq), batches })
    }

    async fn mark_archived(&self, auction: AuctionId, head: Head, trim: Option<Seq>) -> Result<(), JournalError> {
        let keys = [keys::meta(auction), keys::log(auction)];
        let trim = trim.map(|seq| seq.0.to_string()).unwrap_or_default();
        let args = (head.seq.0, trim);
        let _: i64 = self.redis.script(&self.scripts.archived, &keys.each_ref().map(String::as_str), args).await?;
        Ok(())
    }
}
