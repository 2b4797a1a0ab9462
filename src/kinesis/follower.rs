//! The one task that fills the stream. Of many nodes the one that holds the task does it; the checkpoint keeps the others
//! from going on where they do not stand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::{Entry, fits, remaining};
use super::client::Stream;
use super::store;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::Timestamp;
use crate::journal::JournalError;
use crate::journal::sql::{Feed, Positioned};
use crate::persistence::{Db, StoreError};
use crate::projection::Progress;
use crate::wire::Message;

/// How many records are read at once: as many as one request takes.
const PAGE_RECORDS: i64 = 500;
/// How often it is looked for more, besides whenever something was projected.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The name under which nodes agree on which of them does the work, and how often each asks whether it is the one.
const TASK: &str = "kinesis";
const ASK_EVERY: Duration = Duration::from_secs(3);
/// How long a request that is under way may take when the hub stops.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// So often is halved what one request carries: from the most that it takes to one record.
const HALVED_MAX: u32 = 9;
const BACKOFF_MIN_MS: u64 = 200;
const BACKOFF_MAX_MS: u64 = 30_000;

/// What a follower works with.
#[derive(Clone)]
pub struct Deps {
    /// Where its checkpoint is.
    pub db: Db,
    /// What it reads.
    pub feed: Feed,
    /// Says whether this node does the work.
    pub leases: Arc<dyn Leases>,
    /// Tells when there may be more.
    pub progress: Progress,
    /// The time, to tell how far behind it is.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
}

/// Puts what is committed into a stream.
pub struct Follower {
    deps: Deps,
    stream: Stream,
    /// The name of its checkpoint: another stream begins at the first record.
    name: String,
    /// Where it stands; none before the first look and after a failure.
    position: Option<i64>,
    asked: Option<(Instant, bool)>,
    /// How often in a row it could not read, or move the checkpoint.
    failures: u32,
    stop: CancellationToken,
}

/// Why it did not go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("another process has moved the checkpoint")]
    Stale,
}

/// What is put in before the checkpoint moves.
struct Page {
    /// Where it begins, and the position of its last record.
    from: i64,
    to: i64,
    /// When its first event happened.
    since: Option<Timestamp>,
    entries: Vec<Entry>,
}

impl Follower {
    /// A follower that fills `stream`.
    pub fn new(deps: Deps, stream: Stream) -> Self {
        let name = format!("kinesis:{}", stream.name());
        Self { deps, stream, name, position: None, asked: None, failures: 0, stop: CancellationToken::new() }
    }

    /// Works until `stop` is cancelled, then waits a moment for the request that is under way. What is cut off is put again
    /// at the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        self.stop = stop.clone();
        let over = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_LIMIT).await;
        };
        tokio::select! {
            () = over => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        while !self.stop.is_cancelled() {
            let until = Instant::now() + LOOK_EVERY;
            if self.holds_task().await {
                match self.step().await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(failure) => {
                        self.position = None;
                        self.failures = self.failures.saturating_add(1);
                        self.failed(self.failures, &failure).await;
                        continue;
                    }
                }
            } else {
                self.position = None;
                measure(0, 0.0);
            }
            tokio::select! {
                () = self.deps.progress.moved() => {}
                () = tokio::time::sleep_until(until) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// True if this node does the work. Asks again when the answer is a few seconds old; while nobody can say, it does not.
    async fn holds_task(&mut self) -> bool {
        if let Some((at, holds)) = self.asked
            && at.elapsed() < ASK_EVERY
        {
            return holds;
        }
        let now = Instant::now();
        let holds = self.deps.leases.task(TASK).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether this node fills the stream cannot be learned: {error}");
            false
        });
        self.asked = Some((now, holds));
        holds
    }

    /// Puts a page in and moves the checkpoint behind it. False if there was nothing, or it shall work no longer.
    async fn step(&mut self) -> Result<bool, Failure> {
        let Some(page) = self.page().await? else {
            measure(0, 0.0);
            return Ok(false);
        };
        let (from, to) = (page.from, page.to);
        if !self.put_all(page).await {
            self.position = None;
            return Ok(false);
        }
        if !store::advance(&self.deps.db, &self.name, from, to).await? {
            return Err(Failure::Stale);
        }
        (self.position, self.failures) = (Some(to), 0);
        Ok(true)
    }

    /// What comes next; none if there is nothing.
    async fn page(&mut self) -> Result<Option<Page>, Failure> {
        let from = match self.position {
            Some(position) => position,
            None => store::position(&self.deps.db, &self.name).await?,
        };
        self.position = Some(from);
        let records = self.deps.feed.after(from, PAGE_RECORDS).await?;
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(None) };
        let since = first.record.public().ok().map(|public| public.at.0);
        let to = last.position;
        Ok(Some(Page { from, to, since, entries: records.into_iter().filter_map(entry).collect() }))
    }

    /// Puts all of a page in, however often it takes. False if it shall work no longer.
    async fn put_all(&mut self, mut page: Page) -> bool {
        self.report(&page).await;
        let mut in_vain = 0;
        while !page.entries.is_empty() {
            if self.stop.is_cancelled() || !self.holds_task().await {
                return false;
            }
            // Fewer after each refusal, should the size be the trouble, or one of them.
            let most = (fits(&page.entries) >> in_vain.min(HALVED_MAX)).max(1);
            let later = page.entries.split_off(most);
            let asked = page.entries.len();
            let (left, why) = match self.stream.put(&page.entries).await {
                Ok(put) => (remaining(page.entries, |at| put.failed[at]), put.why),
                Err(error) => (page.entries, Some(error.to_string())),
            };
            let some_left = !left.is_empty();
            let some_taken = left.len() < asked;
            count("sent", asked - left.len());
            count("again", left.len());
            page.entries = left;
            page.entries.extend(later);
            if some_left {
                self.report(&page).await;
            }
            match (some_left, some_taken) {
                (false, _) => {
                    if std::mem::take(&mut in_vain) > 0 {
                        tracing::info!("the stream {} is filled again", self.stream.name());
                    }
                }
                // It takes some: wait, but not longer each time.
                (true, true) => {
                    tracing::debug!(why, "the stream took a part of a request");
                    self.rest(1).await;
                }
                (true, false) => {
                    in_vain += 1;
                    self.failed(in_vain, &why.unwrap_or_default()).await;
                }
            }
        }
        true
    }

    /// Says why nothing goes on, and waits before the next try.
    async fn failed(&self, failures: u32, why: &impl fmt::Display) {
        tracing::warn!(failures, "nothing goes into the stream {} at the moment: {why}", self.stream.name());
        self.rest(failures).await;
    }

    async fn rest(&self, failures: u32) {
        let step = BACKOFF_MIN_MS.saturating_mul(1 << failures.min(16)).min(BACKOFF_MAX_MS);
        let wait = step / 2 + self.deps.chance.below(step / 2 + 1);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait)) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Tells how far behind the stream is; holes between positions count as records. When the journal cannot be asked, what
    /// was told last stays.
    async fn report(&self, page: &Page) {
        let Ok(last) = self.deps.feed.last_position().await else { return };
        let now: Timestamp = self.deps.clock.now();
        let age = page.since.map_or(0.0, |since| now.since(since).millis() as f64 / 1_000.0);
        measure((last - page.from).max(0), age);
    }
}

fn measure(events: i64, seconds: f64) {
    metrics::gauge!("bidhub_kinesis_lag_events").set(events as f64);
    metrics::gauge!("bidhub_kinesis_lag_seconds").set(seconds);
}

fn count(outcome: &'static str, records: usize) {
    metrics::counter!("bidhub_kinesis_records_total", "outcome" => outcome).increment(records as u64);
}

/// The message of a record; none, said aloud, if there can be none. The others must not wait for it for ever.
fn entry(Positioned { position, auction, record }: Positioned) -> Option<Entry> {
    let seq = record.seq;
    let message = Message::of(auction, &record).map(|message| Entry { position, auction, data: message.to_json() });
    let trouble = match message {
        Ok(entry) if !entry.is_too_long() => return Some(entry),
        Ok(_) => "it is longer than the stream takes".to_owned(),
        Err(error) => error.to_string(),
    };
    count("skipped", 1);
    tracing::error!(%auction, %seq, trouble, "event {seq} of auction {auction} is not put into the stream: {trouble}");
    None
}
