//! The one task that writes to the journal. It takes what has gathered, commits it in one transaction, and only then
//! answers. After a failure nobody is told that anything was committed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::statements::{Move, create, insert, move_head, number, save_snapshot};
use crate::clock::{Clock, Mark, to_datetime};
use crate::domain::{AuctionId, Span};
use crate::journal::{AppendError, Batch, Head, JournalError, Lease, NewLog, Record, Snapshot};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// How many requests one transaction takes at most.
const GROUP_MAX: usize = 512;

/// Heartbeats come each second. So long without any commit means that nothing could be committed: the process was
/// paused, or the storage failed. Rooms in memory notice by themselves; the others read of it when they are loaded.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(3);

pub(super) enum Request {
    Append(Batch, oneshot::Sender<Result<(), AppendError>>),
    Create(Box<NewLog>, oneshot::Sender<Result<(), JournalError>>),
    Snapshot(AuctionId, Snapshot, oneshot::Sender<Result<(), JournalError>>),
    Heartbeat(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub db: Db,
    pub lease: Lease,
    pub clock: Clock,
    pub lost: CancellationToken,
    pub committed: Arc<tokio::sync::Notify>,
    pub alive: Alive,
}

/// When a commit was last known to work; none before the first heartbeat.
#[derive(Clone)]
pub(super) struct Alive {
    clock: Clock,
    last: Arc<Mutex<Option<(Instant, Mark)>>>,
}

impl Alive {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    /// How long ago that was, if it is too long, and what the wall clock has skipped besides.
    pub(super) fn silence(&self) -> Option<Span> {
        let (at, mark) = (*self.last.lock().unwrap_or_else(PoisonError::into_inner))?;
        let waited = Some(at.elapsed()).filter(|waited| *waited >= SILENCE_MAX).unwrap_or_default();
        let silence = Span::from_millis(waited.as_millis() as i64 + self.clock.skipped_since(mark).millis());
        (silence > Span::ZERO).then_some(silence)
    }

    fn set(&self, beat: bool) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if beat || last.is_some() {
            *last = Some((Instant::now(), self.clock.mark()));
        }
    }
}

/// What becomes of a request if, and only if, the transaction commits.
enum Answer {
    Append(oneshot::Sender<Result<(), AppendError>>, Result<(), AppendError>),
    Journal(oneshot::Sender<Result<(), JournalError>>, Result<(), JournalError>),
    Heartbeat(oneshot::Sender<()>),
}

enum Failure {
    Fenced,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Writer {
    pub(super) async fn run(self, mut requests: mpsc::Receiver<Request>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while requests.recv_many(&mut group, GROUP_MAX).await > 0 {
            let started = Instant::now();
            let mut answers = Vec::with_capacity(group.len());
            let beat = group.iter().any(|request| matches!(request, Request::Heartbeat(_)));
            let outcome = self.commit(&mut group, &mut answers, self.alive.silence()).await;
            metrics::histogram!("bidhub_journal_commit_seconds").record(started.elapsed());
            metrics::histogram!("bidhub_journal_group_size").record(answers.len() as f64);
            match outcome {
                Ok(()) => {
                    self.alive.set(beat);
                    self.committed.notify_one();
                    answers.into_iter().for_each(Answer::give);
                }
                Err(Failure::Fenced) => {
                    tracing::error!("another process owns the journal: this one stops");
                    answers.into_iter().for_each(|answer| answer.deny(&AppendError::Fenced));
                    drop(group);
                    self.lost.cancel();
                    return;
                }
                Err(Failure::Store(error)) => {
                    metrics::counter!("bidhub_journal_failures_total").increment(1);
                    tracing::error!(%error, "a commit to the journal failed: {error}");
                    let unknown = AppendError::Unknown(error.to_string());
                    answers.into_iter().for_each(|answer| answer.deny(&unknown));
                    group.clear();
                }
            }
        }
    }

    /// Writes `group` in one transaction. Each request gives its answer to `answers` before anything can fail, so that
    /// none is forgotten; the answers are given out once it is known how the transaction ended. A `silence` before it is
    /// written down as an outage.
    async fn commit(
        &self,
        group: &mut Vec<Request>,
        answers: &mut Vec<Answer>,
        silence: Option<Span>,
    ) -> Result<(), Failure> {
        let mut appends = Vec::new();
        let mut others = Vec::new();
        for request in group.drain(..) {
            match request {
                Request::Append(batch, reply) => {
                    appends.push((batch, answers.len()));
                    answers.push(Answer::Append(reply, Ok(())));
                }
                Request::Heartbeat(reply) => answers.push(Answer::Heartbeat(reply)),
                Request::Create(log, reply) => {
                    others.push((Other::Create(log), answers.len()));
                    answers.push(Answer::Journal(reply, Ok(())));
                }
                Request::Snapshot(auction, snapshot, reply) => {
                    others.push((Other::Snapshot(auction, snapshot), answers.len()));
                    answers.push(Answer::Journal(reply, Ok(())));
                }
            }
        }
        let mut tx = self.db.begin().await?;
        self.check_lease(&mut tx).await?;
        if let Some(silence) = silence {
            let until = self.clock.now();
            let from = until.minus(silence);
            let text = "insert into journal_outages (lost_from, lost_until) values ($1, $2)";
            sql!(tx.on(), exec, text, to_datetime(from), to_datetime(until))?;
        }
        let mut rows: Vec<(AuctionId, &Record)> = Vec::new();
        for (batch, answer) in &appends {
            if batch.lease != self.lease {
                answers[*answer].set_append(Err(AppendError::Fenced));
            } else if append(&mut tx, batch).await? {
                rows.extend(batch.records.iter().map(|record| (batch.auction, record)));
            } else {
                answers[*answer].set_append(Err(AppendError::HeadMoved));
            }
        }
        for (other, answer) in &others {
            match other {
                Other::Create(log) if create(&mut tx, log).await? => rows.push((log.auction, &log.genesis)),
                Other::Create(log) => answers[*answer].set_journal(Err(JournalError::Exists(log.auction))),
                Other::Snapshot(auction, snapshot) => save_snapshot(&mut tx, *auction, snapshot).await?,
            }
        }
        insert(&mut tx, &rows).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Locks and compares the instance row, and writes the heartbeat into it.
    async fn check_lease(&self, tx: &mut Tx) -> Result<(), Failure> {
        let text = "update journal_instance set heartbeat_at = $1 where id = 1 and holder = $2 and epoch = $3";
        let epoch = number(self.lease.epoch);
        let now = to_datetime(self.clock.now());
        match sql!(tx.on(), exec, text, now, self.lease.holder, epoch)? {
            1 => Ok(()),
            _ => Err(Failure::Fenced),
        }
    }
}

enum Other {
    Create(Box<NewLog>),
    Snapshot(AuctionId, Snapshot),
}

impl Answer {
    fn set_append(&mut self, outcome: Result<(), AppendError>) {
        if let Self::Append(_, current) = self {
            *current = outcome;
        }
    }

    fn set_journal(&mut self, outcome: Result<(), JournalError>) {
        if let Self::Journal(_, current) = self {
            *current = outcome;
        }
    }

    /// The transaction is committed. Whoever has gone away in the meantime is no concern.
    fn give(self) {
        match self {
            Self::Append(reply, outcome) => drop(reply.send(outcome)),
            Self::Journal(reply, outcome) => drop(reply.send(outcome)),
            Self::Heartbeat(reply) => drop(reply.send(())),
        }
    }

    /// The transaction is not known to be committed.
    fn deny(self, error: &AppendError) {
        match self {
            Self::Append(reply, _) => drop(reply.send(Err(error.clone()))),
            Self::Journal(reply, _) => drop(reply.send(Err(JournalError::Closed))),
            // A heartbeat that could not be written is not answered, which its sender takes for a failure.
            Self::Heartbeat(_) => {}
        }
    }
}

/// Moves the log of a batch on; false if it does not end where the batch builds on.
async fn append(tx: &mut Tx, batch: &Batch) -> Result<bool, StoreError> {
    let Some(last) = batch.records.last() else { return Ok(true) };
    let to = Head { seq: last.seq, digest: last.digest };
    move_head(tx, &Move { auction: batch.auction, from: batch.onto, to, due_at: batch.due_at }).await
}
