//! A journal that does what it is told: passes through, fails before the commit, loses the reply after it, stalls, or
//! panics.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bidhub::domain::{AuctionId, Seq, Timestamp};
use bidhub::journal::sql::SqlJournal;
use bidhub::journal::{
    AppendError, Batch, Head, Journal, JournalError, Lease, NewLog, OpenLog, Outage, Packed, Record, Snapshot,
    TakenOver,
};
use tokio::sync::Notify;

/// What becomes of one append.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It fails, and nothing is written.
    FailBefore,
    /// It is written, and nobody hears of it.
    LoseReply,
    /// It waits so long, and is then written.
    Stall(Duration),
    /// It waits until it is let go, and is then written.
    Hold(Arc<Notify>),
    /// Somebody else has written in the meantime, so it finds another head.
    HeadMoved,
    /// The code that commits is broken.
    Panic,
}

/// What becomes of one opening of a log, once it is let go.
#[derive(Clone, Debug)]
pub enum Open {
    /// It fails.
    Fail(Arc<Notify>),
    /// It passes.
    Pass(Arc<Notify>),
}

/// A real journal behind a door that may stick.
pub struct Unruly {
    inner: SqlJournal,
    fates: Mutex<VecDeque<Fate>>,
    opens: Mutex<VecDeque<Open>>,
    /// How long the next reading takes.
    pub reading: Mutex<Option<Duration>>,
    /// While set, nothing can be written.
    pub down: AtomicBool,
    /// Told at the begin of every append.
    pub appending: Notify,
    /// Told at the begin of every opening.
    pub opening: Notify,
}

impl Unruly {
    pub fn new(inner: SqlJournal) -> Self {
        Self {
            inner,
            fates: Mutex::default(),
            opens: Mutex::default(),
            reading: Mutex::default(),
            down: AtomicBool::new(false),
            appending: Notify::new(),
            opening: Notify::new(),
        }
    }

    /// The next appends meet these fates; all later ones pass.
    pub fn then(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// The next openings meet these fates; all later ones pass at once.
    pub fn then_opens(&self, opens: impl IntoIterator<Item = Open>) {
        self.opens.lock().unwrap().extend(opens);
    }

    fn unknown() -> Result<(), AppendError> {
        Err(AppendError::Unknown("told to".to_owned()))
    }
}

#[async_trait::async_trait]
impl Journal for Unruly {
    async fn create(&self, log: NewLog) -> Result<(), JournalError> {
        self.inner.create(log).await
    }

    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
        self.opening.notify_one();
        let fate = self.opens.lock().unwrap().pop_front();
        match fate {
            None => {}
            Some(Open::Pass(gate)) => gate.notified().await,
            Some(Open::Fail(gate)) => {
                gate.notified().await;
                return Err(JournalError::Closed);
            }
        }
        self.inner.open(auction).await
    }

    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        let pause = self.reading.lock().unwrap().take();
        tokio::time::sleep(pause.unwrap_or_default()).await;
        self.inner.read(auction, after, limit).await
    }

    async fn append(&self, batch: Batch) -> Result<(), AppendError> {
        self.appending.notify_one();
        if self.down.load(Ordering::SeqCst) {
            return Self::unknown();
        }
        let fate = self.fates.lock().unwrap().pop_front();
        match fate {
            None => self.inner.append(batch).await,
            Some(Fate::FailBefore) => Self::unknown(),
            Some(Fate::LoseReply) => {
                self.inner.append(batch).await?;
                Self::unknown()
            }
            Some(Fate::Stall(pause)) => {
                tokio::time::sleep(pause).await;
                self.inner.append(batch).await
            }
            Some(Fate::Hold(gate)) => {
                gate.notified().await;
                self.inner.append(batch).await
            }
            Some(Fate::HeadMoved) => {
                let mut elsewhere = batch;
                elsewhere.onto.seq = Seq(elsewhere.onto.seq.0 + 1_000);
                self.inner.append(elsewhere).await
            }
            Some(Fate::Panic) => panic!("told to"),
        }
    }

    async fn save_snapshot(&self, auction: AuctionId, snapshot: Snapshot) -> Result<(), JournalError> {
        self.inner.save_snapshot(auction, snapshot).await
    }

    async fn due_by(&self, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
        self.inner.due_by(at, limit).await
    }

    async fn epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError> {
        self.inner.epoch(auction).await
    }

    async fn take_over(
        &self,
        auction: AuctionId,
        _lease: Lease,
        _tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError> {
        Ok(self.open(auction).await?.map(|log| TakenOver { log, silence: None, lost: false }))
    }

    async fn settle(&self, auction: AuctionId, head: Head, limit: std::time::Duration) -> Result<(), JournalError> {
        self.inner.settle(auction, head, limit).await
    }

    async fn outages_after(&self, after: Timestamp) -> Result<Vec<Outage>, JournalError> {
        self.inner.outages_after(after).await
    }

    async fn probe(&self) -> Result<(), JournalError> {
        if self.down.load(Ordering::SeqCst) { Err(JournalError::Closed) } else { self.inner.probe().await }
    }
}
