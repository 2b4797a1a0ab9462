//! The one task that moves projections on. It pulls: what it has not read stays in the journal, so that nothing piles up
//! in memory however far behind it is. Of many nodes the one that holds the task does the work; should two believe that
//! they do, their checkpoints keep them from doing anything twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::progress::Reach;
use super::{Progress, Projected, Projection, Witness, store};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::AuctionId;
use crate::journal::sql::Feed;
use crate::journal::{JournalError, RecordError};
use crate::persistence::{Db, StoreError};

/// How many records one transaction takes at most.
const PAGE_RECORDS: i64 = 1_000;
/// How often a node that does not do the work looks how far it has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Under load, what is committed gathers for this long, so that one transaction takes many records and the disk is left
/// to the bids. After a quiet while nothing waits.
const GATHER: Duration = Duration::from_millis(100);
/// The name under which nodes agree on which of them does the work, and how often each asks whether it is the one.
const TASK: &str = "projector";
const ASK_EVERY: Duration = Duration::from_secs(3);
const BACKOFF_MIN_MS: u64 = 200;
const BACKOFF_MAX_MS: u64 = 30_000;

/// What a projector works with.
#[derive(Clone)]
pub struct Deps {
    /// Where projections write.
    pub db: Db,
    /// What they read.
    pub feed: Feed,
    /// Says whether this node does the work.
    pub leases: Arc<dyn Leases>,
    /// The time, to tell how far behind they are.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
}

/// Moves projections on. Those that stand at the same position share a page and a transaction; one that fails is left
/// behind, tries again by itself, and joins the others when it has caught up.
pub struct Projector {
    deps: Deps,
    lanes: Vec<Lane>,
    witness: Option<Arc<dyn Witness>>,
    reach: watch::Sender<Reach>,
    holds: bool,
    asked_at: Option<Instant>,
    /// The auctions that are passed over, each from this position on; none before the first look.
    aside: Option<HashMap<AuctionId, i64>>,
}

/// Records to be written.
#[derive(Default)]
struct Page {
    records: Vec<Projected>,
    /// Auctions with a record among these that cannot be read, and where it stands.
    unreadable: Vec<(AuctionId, i64, RecordError)>,
    /// The position of the last record, read or passed over.
    to: i64,
    /// How many records it goes over.
    length: usize,
}

struct Lane {
    projection: Arc<dyn Projection>,
    /// Where it stands, as far as is known.
    position: i64,
    /// False before the first look and after a failure: then the checkpoint is read anew.
    known: bool,
    failures: u32,
    retry_at: Option<Instant>,
}

/// Why a page was not written. Nothing of it was.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("another process has moved the checkpoint")]
    Stale,
}

impl Projector {
    /// A projector of these projections.
    pub fn new(deps: Deps, projections: Vec<Arc<dyn Projection>>) -> Self {
        let lane = |projection| Lane { projection, position: 0, known: false, failures: 0, retry_at: None };
        let lanes = projections.into_iter().map(lane).collect();
        let reach = watch::channel(Reach::default()).0;
        Self { deps, lanes, witness: None, reach, holds: false, asked_at: None, aside: None }
    }

    /// Tells `witness` what is written, before those who wait for it go on.
    #[must_use]
    pub fn telling(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Follows it from outside.
    pub fn progress(&self) -> Progress {
        Progress::new(self.reach.subscribe(), self.lanes.iter().map(|lane| lane.projection.name()).collect())
    }

    /// Works until `stop` is cancelled, then catches up for `flush_limit` at most.
    pub async fn run(mut self, stop: CancellationToken, flush_limit: Duration) {
        // Being cut off in the middle is harmless: a transaction that is dropped leaves no trace.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
        if !self.holds_task().await {
            return;
        }
        self.forget_positions();
        if tokio::time::timeout(flush_limit, self.catch_up()).await.is_err() {
            tracing::warn!("projections are left behind; they catch up at the next start");
        }
    }

    async fn follow(&mut self) {
        loop {
            let started = Instant::now();
            while self.holds_task().await && self.step().await >= PAGE_RECORDS as usize {}
            if self.holds {
                self.report().await;
                self.deps.feed.moved().await;
            } else {
                self.look().await;
                self.report().await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tokio::time::sleep_until(started + GATHER).await;
        }
    }

    /// True if this node does the work. Asks again when the answer is a few seconds old; while nobody can say, it does not.
    async fn holds_task(&mut self) -> bool {
        if self.asked_at.is_some_and(|at| at.elapsed() < ASK_EVERY) {
            return self.holds;
        }
        self.asked_at = Some(Instant::now());
        let holds = match self.deps.leases.task(TASK).await {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(%error, "whether this node projects cannot be learned: {error}");
                false
            }
        };
        if holds != self.holds {
            tracing::info!(holds, "this node {} projections", if holds { "moves" } else { "no longer moves" });
            self.forget_positions();
        }
        self.holds = holds;
        holds
    }

    /// Looks how far another node has come.
    async fn look(&mut self) {
        let before: Vec<i64> = self.lanes.iter().map(|lane| lane.position).collect();
        self.forget_positions();
        self.load_positions().await;
        if self.lanes.iter().map(|lane| lane.position).ne(before) {
            self.reach.send_modify(|reach| reach.moves += 1);
        }
    }

    /// Somebody else may have moved the checkpoints.
    fn forget_positions(&mut self) {
        self.aside = None;
        for lane in &mut self.lanes {
            (lane.known, lane.retry_at) = (false, None);
        }
    }

    /// Works until there is nothing left that can be done now.
    pub async fn catch_up(&mut self) {
        while self.step().await > 0 {
            self.report().await;
        }
        self.report().await;
    }

    /// Moves those that are furthest behind on by one page, and gives its length: 0 if there is nothing to move, or the
    /// page could not be read.
    async fn step(&mut self) -> usize {
        if let Err(failure) = self.load_aside().await {
            for lane in 0..self.lanes.len() {
                self.failed(lane, &failure);
            }
            return 0;
        }
        self.load_positions().await;
        let now = Instant::now();
        let ready: Vec<(usize, i64)> = (self.lanes.iter().enumerate().filter(|(_, it)| it.known && it.is_due(now)))
            .map(|(lane, it)| (lane, it.position))
            .collect();
        let positions = ready.iter().map(|(_, position)| *position);
        let Some(from) = positions.clone().min() else { return 0 };
        // Not beyond where the next ones stand, so that all go on together from there.
        let until = positions.filter(|position| *position > from).min();
        let group: Vec<usize> = ready.iter().filter(|(_, position)| *position == from).map(|(lane, _)| *lane).collect();
        let page = match self.page(from, until).await {
            Ok(page) => page,
            Err(failure) => {
                for lane in group {
                    self.failed(lane, &failure);
                }
                return 0;
            }
        };
        if page.length == 0 {
            return 0;
        }
        match self.write(&group, from, &page).await {
            Ok(()) => self.moved(&group, &page),
            Err(failure) if group.len() == 1 => self.failed(group[0], &failure),
            Err(_) => {
                // One of them failed; alone, the others go on.
                for lane in group {
                    match self.write(&[lane], from, &page).await {
                        Ok(()) => self.moved(&[lane], &page),
                        Err(failure) => self.failed(lane, &failure),
                    }
                }
            }
        }
        page.length
    }

    /// Learns which auctions are passed over, and takes those in again whose record this program can read.
    async fn load_aside(&mut self) -> Result<(), Failure> {
        if self.aside.is_some() || !self.lanes.iter().any(|lane| lane.is_due(Instant::now())) {
            return Ok(());
        }
        let mut aside = HashMap::new();
        for (auction, position) in store::aside(&self.deps.db).await? {
            let record = self.deps.feed.after(position - 1, 1).await?.pop().filter(|it| it.position == position);
            if record.is_none_or(|it| Projected::read(it).is_err()) {
                tracing::warn!(%auction, position, "auction {auction} is still not projected: a record cannot be read");
                aside.insert(auction, position);
                continue;
            }
            store::take_in(&self.deps.db, auction, position).await?;
            tracing::info!(%auction, position, "auction {auction} is projected again");
            self.forget_positions();
        }
        self.aside = Some(aside);
        Ok(())
    }

    async fn load_positions(&mut self) {
        for lane in 0..self.lanes.len() {
            let it = &self.lanes[lane];
            if !it.known && it.is_due(Instant::now()) {
                match store::position(&self.deps.db, it.projection.name()).await {
                    Ok(position) => (self.lanes[lane].position, self.lanes[lane].known) = (position, true),
                    Err(error) => self.failed(lane, &error.into()),
                }
            }
        }
    }

    /// Records after `from` up to `until`. An auction with one that cannot be read is passed over from there on, so that
    /// the others are not held up.
    async fn page(&self, from: i64, until: Option<i64>) -> Result<Page, Failure> {
        let records = self.deps.feed.after(from, PAGE_RECORDS).await?;
        let mut aside = self.aside.clone().unwrap_or_default();
        let mut page = Page::default();
        for record in records.into_iter().take_while(|it| until.is_none_or(|until| it.position <= until)) {
            let (auction, position) = (record.auction, record.position);
            (page.to, page.length) = (position, page.length + 1);
            if aside.get(&auction).is_some_and(|begin| position >= *begin) {
                continue;
            }
            match Projected::read(record) {
                Ok(projected) => page.records.push(projected),
                Err(error) => {
                    aside.insert(auction, position);
                    page.unreadable.push((auction, position, error));
                }
            }
        }
        Ok(page)
    }

    async fn write(&self, group: &[usize], from: i64, page: &Page) -> Result<(), Failure> {
        let mut tx = self.deps.db.begin().await?;
        for lane in group {
            let projection = &self.lanes[*lane].projection;
            if !store::advance(&mut tx, projection.name(), from, page.to).await? {
                return Err(Failure::Stale);
            }
            projection.apply(&mut tx, &page.records).await?;
        }
        for (auction, position, _) in &page.unreadable {
            store::set_aside(&mut tx, *auction, *position).await?;
        }
        let committed = tx.commit().await;
        if let Some(witness) = &self.witness {
            witness.written(&page.records).await;
        }
        Ok(committed?)
    }

    fn moved(&mut self, group: &[usize], page: &Page) {
        for lane in group {
            let it = &mut self.lanes[*lane];
            (it.position, it.failures, it.retry_at) = (page.to, 0, None);
            it.projection.committed();
        }
        for (auction, position, error) in &page.unreadable {
            if self.aside.get_or_insert_default().insert(*auction, *position).is_none() {
                metrics::counter!("bidhub_projection_unreadable_total").increment(1);
                tracing::error!(
                    %auction, position, %error,
                    "auction {auction} is projected no further: its record at position {position} cannot be read: {error}"
                );
            }
        }
        self.reach.send_modify(|reach| reach.moves += 1);
    }

    fn failed(&mut self, lane: usize, failure: &Failure) {
        let it = &mut self.lanes[lane];
        let name = it.projection.name();
        let step = BACKOFF_MIN_MS.saturating_mul(1 << it.failures.min(16)).min(BACKOFF_MAX_MS);
        let wait = Duration::from_millis(step / 2 + self.deps.chance.below(step / 2 + 1));
        it.failures = it.failures.saturating_add(1);
        (it.known, it.retry_at) = (false, Some(Instant::now() + wait));
        metrics::counter!("bidhub_projection_failures_total", "projection" => name).increment(1);
        tracing::warn!(projection = name, %failure, "projection {name} failed and will try again: {failure}");
    }

    /// Tells how far behind the last one is; holes between positions count as records. When the journal cannot be asked, what was told last stays.
    async fn report(&self) {
        let Some(furthest) = self.lanes.iter().map(|lane| lane.position).min() else { return };
        let Ok(last) = self.deps.feed.last_position().await else { return };
        let behind = (last - furthest).max(0);
        let mut pending_since = None;
        if behind > 0 {
            let Ok(oldest) = self.deps.feed.after(furthest, 1).await else { return };
            pending_since = oldest.first().and_then(|it| it.record.public().ok()).map(|public| public.at.0);
        }
        self.reach
            .send_if_modified(|reach| std::mem::replace(&mut reach.pending_since, pending_since) != pending_since);
        let lag = self.progress().lag(self.deps.clock.now());
        metrics::gauge!("bidhub_projection_lag_events").set(behind as f64);
        metrics::gauge!("bidhub_projection_lag_seconds").set(lag.millis() as f64 / 1_000.0);
    }
}

impl Lane {
    fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }
}
