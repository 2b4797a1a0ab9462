//! Making a log ready for a new holder: what Redis has, what SQL has, and what mirrors still hold are put together, and
//! what Redis lacks is written to it.
//!
//! Redis is trusted to have everything that was committed if it is the same run of the same server that the last holder
//! took the log over from. Otherwise it may have lost writes: then SQL must answer, and the log goes on as another history,
//! unless this node had the lease just before and finds all that it committed.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::repair::{End, Line, Pool};
use super::*;
use crate::journal::sql::Archived;

/// How many records one entry of the stream takes when it is written anew.
const RECORDS_PER_ENTRY: usize = 256;
/// How long records that lost are kept.
const FORK_TTL: Duration = Duration::from_secs(7 * 24 * 3_600);
const PAGE: usize = 4_096;

/// What one look at Redis tells of a log.
pub(super) struct Facts {
    now: Timestamp,
    run: String,
    lease: String,
    last_entry: Option<Seq>,
    meta: Option<Meta>,
    /// The greatest epoch of a lease, which may be known where nothing else is.
    epoch: u64,
}

impl Facts {
    /// Nothing that was committed is missing from what it knows.
    pub(super) fn is_trusted(&self) -> bool {
        self.meta.as_ref().is_some_and(|meta| {
            let whole = match self.last_entry {
                Some(last) => last == meta.head.seq,
                None => meta.archived >= meta.head.seq,
            };
            whole && meta.run == self.run
        })
    }

    /// True if it knows the log at all, and not only that somebody asked for it.
    pub(super) fn has_log(&self) -> bool {
        self.meta.is_some()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.max(self.meta.as_ref().map_or(0, |meta| meta.record_epoch))
    }
}

/// What is to be done to the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entries {
    Keep,
    Replace,
}

impl RedisJournal {
    pub(super) async fn facts(&self, auction: AuctionId) -> Result<Facts, JournalError> {
        let keys = [keys::lease(auction), keys::meta(auction), keys::log(auction)];
        let (now, run, lease, last, fields): (i64, String, String, String, Fields) =
            self.redis.script(&self.scripts.facts, &keys.each_ref().map(String::as_str), [""; 0].as_slice()).await?;
        let epoch = fields.get("epoch").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0);
        let meta = Meta::read(auction, &fields)?;
        let last_entry = last.parse().ok().map(Seq);
        Ok(Facts { now: Timestamp::from_millis(now), run, lease, last_entry, meta, epoch })
    }

    pub(super) async fn take(
        &self,
        auction: AuctionId,
        lease: Lease,
        tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError> {
        let facts = self.facts(auction).await?;
        if facts.lease != lease.to_string() {
            return Err(JournalError::Fenced);
        }
        let asked = tokio::time::timeout(SQL_PATIENCE, self.archive().archived(auction)).await;
        let archived = match asked {
            Ok(Ok(archived)) => archived,
            _ if facts.is_trusted() => None,
            Ok(Err(error)) => return Err(error),
            Err(_) => self.archive().archived(auction).await?,
        };
        let mut meta = match (&facts.meta, &archived) {
            (Some(meta), _) => meta.clone(),
            (None, Some(archived)) => of_archived(archived),
            (None, None) => return Ok(None),
        };
        let current = archived.as_ref().map_or(meta.log, |archived| archived.log.log);
        let own = End { current: meta.log == current, epoch: meta.record_epoch, head: meta.head };
        let ahead = archived.as_ref().is_some_and(|it| it.log.head.seq > own.head.seq);
        let whole = Line { base: own.head, records: Vec::new(), end: own, losers: Vec::new() };
        // While nothing was lost, Redis alone counts, and what anyone else holds is the same or less.
        let (line, entries) = match &archived {
            _ if facts.is_trusted() && own.current && !ahead => (whole, Entries::Keep),
            Some(archived) => (self.choose(auction, own, &meta, archived, tails).await?, Entries::Replace),
            None => return Err(JournalError::Fork { auction, at: own.head.seq }),
        };
        let lost = entries == Entries::Replace;
        let parted = lost && archived.as_ref().is_some_and(|it| it.log.head.seq > line.base.seq);
        if !line.losers.is_empty() || parted {
            self.keep_fork(auction, meta.log, &line).await?;
        }
        if lost {
            meta.log = renewed(current, lease);
            let at = archived.as_ref().map_or(line.base, |archived| archived.log.head);
            if !self.archive().set_log(auction, (current, at), meta.log).await? {
                // Another node archived something meanwhile, or took the log over: what was looked at is out of date.
                return Err(RedisError::Unanswered("the archive moved while the log was taken over".to_owned()).into());
            }
            tracing::warn!(%auction, log = %meta.log, "committed records are lost or may be: the log goes on as {}", meta.log);
        }
        (meta.head, meta.record_epoch) = (line.end.head, line.end.epoch);
        if entries == Entries::Replace {
            meta.archived = line.base.seq;
        }
        self.write(auction, lease, &facts, &meta, &line, entries).await?;
        if meta.head.seq > meta.archived {
            self.archiver.note(auction, meta.head, meta.due_at);
        }
        self.make_safe(auction, lease, &mut meta).await?;

        let silence = meta.silent_since.filter(|from| *from < facts.now);
        let silence = silence.map(|from| Outage { from, until: facts.now });
        let mut snapshot = self.snapshot(auction).await?;
        if snapshot.is_none() {
            snapshot = archived.and_then(|archived| archived.log.snapshot);
        }
        Ok(Some(TakenOver { log: meta.into_open_log(snapshot), silence, lost }))
    }

    /// Puts together what is known and says which history goes on. What is archived stays; of the rest, what belongs to the
    /// history that the archive goes by comes before what was given up.
    async fn choose(
        &self,
        auction: AuctionId,
        own: End,
        meta: &Meta,
        archived: &Archived,
        tails: Vec<Packed>,
    ) -> Result<Line, JournalError> {
        let (current, must) = (archived.log.log, archived.log.head);
        let mut ends = vec![own, End { current: true, epoch: archived.epoch, head: must }];
        let stream = self.stream(auction, Seq(0), usize::MAX).await?;
        let known = tails.iter().map(|tail| (tail.log == current, &tail.records));
        for (current, records) in known.chain([(own.current, &stream)]) {
            let end = |it: &Record| End { current, epoch: it.epoch, head: Head { seq: it.seq, digest: it.digest } };
            ends.extend(records.last().map(end));
        }
        let mut pool = Pool::default();
        pool.add(tails.into_iter().flat_map(|tail| tail.records));
        pool.add(stream);
        let mut ground = BTreeMap::from([(Seq(0), meta.genesis.digest), (must.seq, must.digest)]);
        let before = pool.first().map_or(must.seq.0, |first| first.0).saturating_sub(2);
        self.add_archived(auction, Seq(before), &mut ground).await?;
        pool.best(ends, &ground, must, &meta.secret).ok_or_else(|| {
            let source = RecordError::Malformed("no history can be followed to its end".to_owned());
            JournalError::Unreadable { auction, source }
        })
    }

    async fn add_archived(
        &self,
        auction: AuctionId,
        mut after: Seq,
        ground: &mut BTreeMap<Seq, Digest>,
    ) -> Result<(), JournalError> {
        loop {
            let page = self.archive().read(auction, after, PAGE).await?;
            ground.extend(page.iter().map(|record| (record.seq, record.digest)));
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.seq,
                _ => return Ok(()),
            }
        }
    }

    async fn write(
        &self,
        auction: AuctionId,
        lease: Lease,
        facts: &Facts,
        meta: &Meta,
        line: &Line,
        entries: Entries,
    ) -> Result<(), JournalError> {
        let text = |text: String| Bytes::from(text.into_bytes());
        let before = facts.meta.as_ref().map(|before| before.head);
        let mut fields = [meta.constants(), meta.position()].concat();
        fields.extend([
            ("epoch", facts.epoch().max(lease.epoch).to_string().into_bytes()),
            ("alive_at", facts.now.millis().to_string().into_bytes()),
            ("released", b"0".to_vec()),
            ("run", facts.run.clone().into_bytes()),
        ]);
        if entries == Entries::Replace || facts.meta.is_none() {
            fields.push(("archived", meta.archived.0.to_string().into_bytes()));
        }
        let mut args = vec![
            text(lease.to_string()),
            text(facts.run.clone()),
            text(millis(META_TTL).to_string()),
            text(before.map(|head| head.seq.0.to_string()).unwrap_or_default()),
            text(before.map(|head| hex::encode(head.digest.0)).unwrap_or_default()),
            Bytes::from_static(match entries {
                Entries::Keep => b"keep",
                Entries::Replace => b"replace",
            }),
            text((fields.len() * 2).to_string()),
        ];
        for (name, value) in fields {
            args.extend([Bytes::from_static(name.as_bytes()), value.into()]);
        }
        let mut onto = line.base;
        for records in line.records.chunks(RECORDS_PER_ENTRY) {
            if let Some(last) = records.last() {
                args.extend([text(last.seq.0.to_string()), Packed::pack(meta.log, onto, records)]);
                onto = Head { seq: last.seq, digest: last.digest };
            }
        }
        let keys = [keys::lease(auction), keys::meta(auction), keys::log(auction), keys::snapshot(auction)];
        let keys = keys.each_ref().map(String::as_str);
        let answer: String = self.redis.script(&self.scripts.take, &keys, slices(&args)).await?;
        match answer.as_str() {
            "taken" => Ok(()),
            "fenced" => Err(JournalError::Fenced),
            _ => Err(RedisError::Unanswered("the log changed while it was taken over".to_owned()).into()),
        }
    }

    /// What was committed and not yet safe becomes safe, before anyone hears of it.
    async fn make_safe(&self, auction: AuctionId, lease: Lease, meta: &mut Meta) -> Result<(), JournalError> {
        let late = |what: &str| JournalError::from(RedisError::Unanswered(what.to_owned()));
        match meta.ack {
            AckLevel::Redis => return Ok(()),
            AckLevel::Replica => {
                let mut own = self.redis.dedicated(&keys::log(auction)).await?;
                // Something must be written on this connection for there to be something to wait for.
                let mut touch = cmd("HSET");
                touch.arg(keys::meta(auction)).arg("ack").arg(meta.ack.name());
                let _: i64 = own.run(&touch).await?;
                if !self.replicated(&mut own).await? {
                    return Err(late("not every replica has the log"));
                }
            }
            AckLevel::Sql => {
                self.archiver.reached(auction, meta.head.seq, self.keeping.safe_within).await?;
            }
        }
        let reached = self.reached(auction, &lease.to_string(), meta.head, &Bytes::new()).await;
        reached.map_err(|error| late(&error.to_string()))?;
        meta.settled = Some(meta.head);
        Ok(())
    }

    /// Keeps what lost for people to look at, and raises the alarm.
    async fn keep_fork(&self, auction: AuctionId, log: LogId, line: &Line) -> Result<(), JournalError> {
        metrics::counter!("bidhub_journal_forks_total").increment(1);
        let (count, end) = (line.losers.len(), line.end.head.seq);
        tracing::error!(%auction, count, "two histories of one log: one that ends at {end} goes on, {count} records do not");
        if let Some(first) = line.losers.first() {
            let packed = Packed::pack(log, line.base, &line.losers);
            let mut keep = cmd("SET");
            keep.arg(keys::fork(auction, first.seq.0)).arg(&packed[..]).arg("PX").arg(millis(FORK_TTL));
            let _: () = self.redis.run(&keep).await?;
        }
        Ok(())
    }
}

/// What Redis would know if it had not forgotten.
fn of_archived(archived: &Archived) -> Meta {
    let log = &archived.log;
    Meta {
        log: log.log,
        secret: log.secret.clone(),
        genesis: log.genesis.clone(),
        ack: log.ack,
        head: log.head,
        record_epoch: archived.epoch,
        archived: log.head.seq,
        settled: None,
        silent_since: None,
        due_at: None,
        run: String::new(),
    }
}

/// The id of the history that goes on from `log`. No two leases are alike, so no two such ids are.
fn renewed(log: LogId, lease: Lease) -> LogId {
    let hash = Sha256::new().chain_update(log.0.as_bytes()).chain_update(lease.to_string()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    LogId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
