//! The one task of a node that archives. It takes the logs that have waited longest, reads what the archive lacks of each,
//! writes all of it in one transaction, and only then tells the live journal.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dirty::Job;
use super::{Archiver, Source, Unarchived};
use crate::domain::Seq;
use crate::journal::sql::{Chunk, Outcome, Standing};
use crate::journal::{Head, JournalError};
use crate::persistence::StoreError;

/// Under load, what is committed gathers for this long, unless somebody waits for it.
const GATHER: Duration = Duration::from_millis(50);
/// How many logs one transaction takes at most, and about how many bytes of records.
const JOBS_MAX: usize = 512;
const ROUND_BYTES: usize = 8 << 20;
/// However many logs there are, each may bring so many bytes.
const LOG_BYTES_MIN: usize = 16 << 10;
/// How many logs are read at once.
const READS_AT_ONCE: usize = 32;
/// The live journal keeps so many records of each log though they are archived, for those who come back.
const KEEP_RECORDS: u64 = 1_024;
/// A database that has not answered for so long is taken for one that does not.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const BACKOFF_MIN_MS: u64 = 200;
const BACKOFF_MAX_MS: u64 = 5_000;
/// How often a log may fail by itself until it no longer counts: about 20 s.
const FAILURES_MAX: u32 = 8;

/// What was read of a log, and from when it is.
struct Read {
    job: Job,
    chunk: Chunk,
    snapshot: Option<Seq>,
    read_at: Instant,
}

/// Why nothing of a log was archived, though all others may be.
#[derive(Debug, thiserror::Error)]
enum Doubt {
    #[error("it has no record after {0}, though more were committed")]
    Hollow(Seq),
    #[error("the archive ends at {0:?}, before the oldest record that is left")]
    Gap(Option<Head>),
    #[error("{0}")]
    Other(String),
}

impl Archiver {
    /// Archives what is noted until `stop` is cancelled, then what is left, for `flush_limit` at most.
    pub async fn run(self, source: std::sync::Arc<dyn Source>, stop: CancellationToken, flush_limit: Duration) {
        // Being cut off in the middle is harmless: whatever became of the transaction, the next one finds it.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work(&*source) => {}
        }
        if tokio::time::timeout(flush_limit, self.flush(&*source)).await.is_err() {
            tracing::warn!("records are left that are not archived; whoever takes their rooms over archives them");
        }
    }

    async fn work(&self, source: &dyn Source) {
        let mut failures = 0;
        loop {
            match self.round(source).await {
                Ok(()) => {
                    failures = 0;
                    self.idle().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "nothing can be archived now, and is tried again: {error}");
                    tokio::time::sleep(self.backoff(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    async fn flush(&self, source: &dyn Source) {
        let mut failures = 0;
        while !self.shared.dirty.is_clean() {
            failures = if self.round(source).await.is_ok() { 0 } else { failures + 1 };
            let next = self.shared.dirty.next_at().filter(|_| failures == 0);
            tokio::time::sleep_until(next.unwrap_or_else(|| Instant::now() + self.backoff(failures))).await;
        }
    }

    /// Returns when something has its turn, and others have had time to join it.
    async fn idle(&self) {
        loop {
            let noted = self.shared.noted.notified();
            match self.shared.dirty.next_at() {
                Some(at) if at <= Instant::now() => break,
                Some(at) => drop(tokio::time::timeout_at(at, noted).await),
                None => noted.await,
            }
        }
        let _ = tokio::time::timeout(GATHER, self.shared.urgent.notified()).await;
    }

    /// Archives those whose turn it is. An error says that the database did not do it.
    async fn round(&self, source: &dyn Source) -> Result<(), JournalError> {
        let jobs = self.shared.dirty.jobs(Instant::now(), JOBS_MAX);
        let outcome = self.archive_jobs(source, &jobs).await;
        let (events, lag) = self.shared.dirty.lag(Instant::now());
        metrics::gauge!("bidhub_archive_lag_events").set(events as f64);
        metrics::gauge!("bidhub_archive_lag_seconds").set(lag.as_secs_f64());
        self.shared.rounds.send_modify(|rounds| *rounds += 1);
        outcome
    }

    async fn archive_jobs(&self, source: &dyn Source, jobs: &[Job]) -> Result<(), JournalError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let auctions: Vec<_> = jobs.iter().map(|job| job.auction).collect();
        let standings = in_time(self.archive.standings(&auctions)).await?;
        let bytes = (ROUND_BYTES / jobs.len()).max(LOG_BYTES_MIN);
        let reads = jobs.iter().copied().map(|job| {
            let standing = standings.get(&job.auction).copied();
            async move { (job, read(source, job, standing, bytes).await) }
        });
        let mut reads = stream::iter(reads).buffer_unordered(READS_AT_ONCE);
        let (mut whole, mut chunks) = (Vec::new(), Vec::new());
        while let Some((job, outcome)) = reads.next().await {
            match outcome {
                Ok(Ok(Read { job, chunk, snapshot, read_at })) => {
                    whole.push((job, snapshot, read_at, chunk.head()));
                    chunks.push(chunk);
                }
                Ok(Err(doubt)) => self.doubt(&job, &doubt),
                Err(JournalError::Unreadable { source, .. }) => self.doubt(&job, &Doubt::Other(source.to_string())),
                Err(error) => self.later(&job, &error),
            }
        }
        drop(reads);
        let outcomes = self.write(&chunks).await?;
        let marks = whole.into_iter().zip(outcomes).map(|((job, snapshot, read_at, head), outcome)| async move {
            if !self.judge(&job, outcome) {
                return;
            }
            match source.mark_archived(job.auction, head, trim(head.seq, snapshot)).await {
                Ok(()) => self.shared.dirty.archived(&job, head, read_at),
                Err(error) => self.later(&job, &error),
            }
        });
        stream::iter(marks).buffer_unordered(READS_AT_ONCE).collect::<()>().await;
        Ok(())
    }

    /// Writes all chunks in one transaction. If that fails though the database is there, each is tried by itself, so that
    /// one that cannot be written does not hold up the others.
    async fn write(&self, chunks: &[Chunk]) -> Result<Vec<Result<Outcome, JournalError>>, JournalError> {
        if chunks.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes: Vec<_> = match in_time(self.archive.archive(chunks)).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if is_away(&error) => return Err(error),
            Err(_) => {
                let mut outcomes = Vec::with_capacity(chunks.len());
                for chunk in chunks {
                    match in_time(self.archive.archive(std::slice::from_ref(chunk))).await {
                        Ok(outcome) => outcomes.extend(outcome.into_iter().map(Ok)),
                        Err(error) if is_away(&error) => return Err(error),
                        Err(error) => outcomes.push(Err(error)),
                    }
                }
                outcomes
            }
        };
        let new = |outcome: &Result<Outcome, _>| match outcome {
            Ok(Outcome::Archived { new, .. }) => *new,
            _ => 0,
        };
        metrics::histogram!("bidhub_archive_batch_size").record(outcomes.iter().map(new).sum::<usize>() as f64);
        Ok(outcomes)
    }

    /// True if the chunk of `job` is archived. If not, it is dealt with.
    fn judge(&self, job: &Job, outcome: Result<Outcome, JournalError>) -> bool {
        match outcome {
            Ok(Outcome::Archived { .. }) => return true,
            Ok(Outcome::Conflict { at, archived, live }) => {
                let auction = job.auction;
                metrics::counter!("bidhub_archive_conflicts_total", "kind" => "history").increment(1);
                tracing::error!(
                    %auction, seq = at.0, ?archived, ?live,
                    "auction {auction} is archived no more: the archive has another record {at}, {archived:?} there and \
                     {live:?} in the live journal"
                );
                self.shared.dirty.set_aside(auction);
            }
            Ok(Outcome::Behind(head)) => self.doubt(job, &Doubt::Gap(head)),
            Ok(Outcome::OtherLog(log)) => {
                self.doubt(job, &Doubt::Other(format!("the archive knows it by another id, {}", log.0)));
            }
            Ok(Outcome::Broken(broken)) => self.doubt(job, &Doubt::Other(broken.to_string())),
            Err(error) => self.doubt(job, &Doubt::Other(error.to_string())),
        }
        false
    }

    /// The log of `job` cannot be archived as it is, which may pass: a take-over may be under way. If it does not, the log
    /// no longer counts as waiting, and is tried again from time to time.
    fn doubt(&self, job: &Job, doubt: &Doubt) {
        let auction = job.auction;
        if self.shared.dirty.failed(auction, |failures| self.backoff(failures)) < FAILURES_MAX {
            tracing::debug!(%auction, %doubt, "auction {auction} cannot be archived now: {doubt}");
            return;
        }
        metrics::counter!("bidhub_archive_conflicts_total", "kind" => "unreadable").increment(1);
        tracing::error!(%auction, %doubt, "auction {auction} cannot be archived: {doubt}");
        self.shared.dirty.park(auction);
    }

    /// The live journal could not be asked about the log of `job`.
    fn later(&self, job: &Job, error: &JournalError) {
        let auction = job.auction;
        tracing::debug!(%auction, %error, "the live journal cannot be asked about auction {auction}: {error}");
        self.shared.dirty.failed(auction, |failures| self.backoff(failures));
    }

    fn backoff(&self, failures: u32) -> Duration {
        let step = BACKOFF_MIN_MS.saturating_mul(1 << failures.min(16)).min(BACKOFF_MAX_MS);
        Duration::from_millis(step / 2 + self.chance.below(step / 2 + 1))
    }
}

/// Reads what the archive lacks of a log, or what confirms that it lacks nothing.
async fn read(
    source: &dyn Source,
    job: Job,
    standing: Option<Standing>,
    bytes: usize,
) -> Result<Result<Read, Doubt>, JournalError> {
    let read_at = Instant::now();
    let archived = standing.map(|it| it.head.seq);
    let Unarchived { log, snapshot, batches } =
        source.unarchived(job.auction, archived.unwrap_or_default(), bytes).await?;
    let Job { auction, head, due_at } = job;
    let onto = match batches.first() {
        Some(first) => first.onto,
        None if archived.is_some_and(|seq| seq >= head.seq) => head,
        None => return Ok(Err(Doubt::Hollow(archived.unwrap_or_default()))),
    };
    let records = batches.into_iter().flat_map(|batch| batch.records).collect();
    Ok(Ok(Read { job, chunk: Chunk { auction, log, onto, records, due_at }, snapshot, read_at }))
}

/// Up to where batches may go once everything up to `archived` is in the archive: a snapshot must reach as far, and some
/// records stay. None if nothing may.
fn trim(archived: Seq, snapshot: Option<Seq>) -> Option<Seq> {
    let upto = snapshot?.0.min(archived.0.saturating_sub(KEEP_RECORDS));
    (upto > 0).then_some(Seq(upto))
}

async fn in_time<T>(work: impl Future<Output = Result<T, JournalError>>) -> Result<T, JournalError> {
    let late = |_| StoreError::from(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(ANSWER_LIMIT, work).await.map_err(late)?
}

fn is_away(error: &JournalError) -> bool {
    matches!(error, JournalError::Store(error) if error.is_passing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_trimmed_is_archived_and_in_a_snapshot_and_some_stays() {
        for (archived, snapshot, expected) in [
            (5_000, None, None),
            (5_000, Some(0), None),
            (1_024, Some(1_024), None),
            (1_025, Some(1_025), Some(1)),
            (5_000, Some(100), Some(100)),
            (5_000, Some(9_000), Some(3_976)),
        ] {
            assert_eq!(trim(Seq(archived), snapshot.map(Seq)), expected.map(Seq), "{archived} {snapshot:?}");
        }
    }
}
