//! Reading a log: its end from the stream, its beginning from SQL where the stream no longer has it.

use ::redis::{Value, cmd};

use super::*;

/// How many batches are asked for at once.
const BATCHES: usize = 256;

impl RedisJournal {
    /// Up to `limit` records after `after` that everyone may hear of.
    pub(super) async fn read_told(
        &self,
        auction: AuctionId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let (meta, mut records) = self.records(auction, after, limit).await?;
        if let Some(meta) = meta {
            let told = meta.told().seq;
            records.retain(|record| record.seq <= told);
        }
        Ok(records)
    }

    /// Where the log ends, whether everyone may hear of its end yet or not: for audits. None if there is no such log.
    pub async fn committed_head(&self, auction: AuctionId) -> Result<Option<Head>, JournalError> {
        match self.meta(auction).await? {
            Some(meta) => Ok(Some(meta.head)),
            None => Ok(self.archive().open(auction).await?.map(|log| log.head)),
        }
    }

    /// Up to `limit` records after `after`, whether everyone may hear of them yet or not: for audits.
    pub async fn read_committed(
        &self,
        auction: AuctionId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        Ok(self.records(auction, after, limit).await?.1)
    }

    /// Up to `limit` records after `after`, and what Redis knows of the log.
    async fn records(
        &self,
        auction: AuctionId,
        after: Seq,
        limit: usize,
    ) -> Result<(Option<Meta>, Vec<Record>), JournalError> {
        let (meta, stream) = tokio::try_join!(self.meta(auction), self.stream(auction, after, limit))?;
        let Some(meta) = meta else { return Ok((None, self.archive().read(auction, after, limit).await?)) };
        let mut records = match stream.first() {
            Some(first) if first.seq == after.next() => stream,
            // Nothing there, and nothing to be expected.
            None if meta.head.seq <= after => return Ok((Some(meta), Vec::new())),
            _ => {
                let mut records = self.archive().read(auction, after, limit).await?;
                let reached = records.last().map_or(after, |last| last.seq);
                // What was archived and cut off in between is missing here; the caller asks again.
                let rest = stream.into_iter().skip_while(|record| record.seq <= reached);
                records.extend(
                    rest.enumerate().take_while(|(at, it)| it.seq.0 == reached.0 + 1 + *at as u64).map(|it| it.1),
                );
                records
            }
        };
        records.truncate(limit);
        Ok((Some(meta), records))
    }

    /// At least `limit` records after `after` that the stream has, or all of them.
    pub(super) async fn stream(
        &self,
        auction: AuctionId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let unreadable = |source| JournalError::Unreadable { auction, source };
        let (log, mut from, mut records) = (keys::log(auction), after.next().0, Vec::new());
        loop {
            let mut range = cmd("XRANGE");
            range.arg(&log).arg(from).arg("+").arg("COUNT").arg(BATCHES.min(limit.max(1)));
            let entries: Vec<(String, Vec<(String, Value)>)> = self.bulk.run(&range).await?;
            let full = entries.len() == BATCHES.min(limit.max(1));
            for (_, fields) in entries {
                for (name, value) in fields {
                    let Value::BulkString(bytes) = value else { continue };
                    if name == "b" {
                        let packed = Packed::unpack(&bytes).map_err(unreadable)?;
                        records.extend(packed.records.into_iter().filter(|record| record.seq > after));
                    }
                }
            }
            match records.last() {
                Some(last) if full && records.len() < limit => from = last.seq.0 + 1,
                _ => return Ok(records),
            }
        }
    }
}
