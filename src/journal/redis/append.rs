//! Committing a batch, and making it as safe as its auction asks before anyone hears of it.

use ::redis::{Script, cmd};
use bytes::Bytes;

use super::*;

/// The scripts, with their hashes.
pub struct Scripts {
    pub commit: Script,
    pub reached: Script,
    pub facts: Script,
    pub take: Script,
    pub create: Script,
    pub snapshot: Script,
    pub archived: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            commit: Script::new(include_str!("lua/commit.lua")),
            reached: Script::new(include_str!("lua/reached.lua")),
            facts: Script::new(include_str!("lua/facts.lua")),
            take: Script::new(include_str!("lua/take.lua")),
            create: Script::new(include_str!("lua/create.lua")),
            snapshot: Script::new(include_str!("lua/snapshot.lua")),
            archived: Script::new(include_str!("lua/archived.lua")),
        }
    }
}

impl From<RedisError> for AppendError {
    fn from(error: RedisError) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl RedisJournal {
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), AppendError> {
        let head = batch.records.last().map_or(batch.onto, |last| Head { seq: last.seq, digest: last.digest });
        let epoch = batch.records.last().map_or(batch.lease.epoch, |last| last.epoch);
        // An empty batch only confirms that the lease and the head stand.
        let packed = match batch.records.is_empty() {
            true => Bytes::new(),
            false => Packed::pack(batch.log, batch.onto, &batch.records),
        };
        let auction = batch.auction;
        let (lease, meta, log) = (keys::lease(auction), keys::meta(auction), keys::log(auction));
        let keys = [lease.as_str(), &meta, &log];
        let told = match batch.ack {
            AckLevel::Redis => keys::news(auction),
            AckLevel::Replica | AckLevel::Sql => String::new(),
        };
        let (onto, due_at) = (batch.onto, batch.due_at.map(|at| at.millis().to_string()).unwrap_or_default());
        let lease = batch.lease.to_string();
        let args = (
            (&lease, onto.seq.0, hex::encode(onto.digest.0), head.seq.0, hex::encode(head.digest.0)),
            (epoch, &packed[..], millis(self.keeping.lease_ttl), millis(META_TTL), due_at, told),
        );
        let script = &self.scripts.commit;
        let answer: Vec<String> = if batch.ack == AckLevel::Replica {
            let mut own = self.redis.dedicated(&log).await?;
            let answer: Vec<String> = own.script(script, &keys, args).await?;
            judge(&answer)?;
            self.archiver.note(auction, head, batch.due_at);
            return match self.replicated(&mut own).await? {
                true => self.reached(auction, &lease, head, &packed).await,
                false => Err(AppendError::Unknown("not every replica has it".to_owned())),
            };
        } else {
            self.redis.script(script, &keys, args).await?
        };
        judge(&answer)?;
        self.archiver.note(auction, head, batch.due_at);
        if batch.ack == AckLevel::Sql {
            let archived = self.archiver.reached(auction, head.seq, self.keeping.safe_within).await;
            archived.map_err(|error| AppendError::Unknown(error.to_string()))?;
            return self.reached(auction, &lease, head, &packed).await;
        }
        Ok(())
    }

    /// True if every replica has what was done on this connection before.
    pub(super) async fn replicated(&self, own: &mut crate::persistence::redis::Dedicated) -> Result<bool, RedisError> {
        let replicas = self.keeping.replicas;
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(millis(self.keeping.safe_within).max(1));
        Ok(own.run::<usize>(&wait).await? >= replicas)
    }

    /// Notes that the log is safe up to `head`, and tells of the batch that ends there.
    pub(super) async fn reached(
        &self,
        auction: AuctionId,
        lease: &str,
        head: Head,
        packed: &Bytes,
    ) -> Result<(), AppendError> {
        let keys = [keys::lease(auction), keys::meta(auction)];
        let args = (lease, head.seq.0, hex::encode(head.digest.0), keys::news(auction), &packed[..]);
        match self.redis.script::<i64>(&self.scripts.reached, &keys.each_ref().map(String::as_str), args).await? {
            1 => Ok(()),
            // It is committed, and whoever holds the lease now makes it safe.
            _ => Err(AppendError::Unknown("another holder owns the log".to_owned())),
        }
    }
}

fn judge(answer: &[String]) -> Result<(), AppendError> {
    match answer.first().map(String::as_str) {
        Some("committed" | "already") => Ok(()),
        Some("fenced") => {
            metrics::counter!("bidhub_lease_fenced_total").increment(1);
            Err(AppendError::Fenced)
        }
        Some("moved") => Err(AppendError::HeadMoved),
        Some("elsewhere") => Err(AppendError::Unknown("another server has the log than took it over".to_owned())),
        _ => Err(AppendError::Unknown(format!("an answer that no script gives: {answer:?}"))),
    }
}
