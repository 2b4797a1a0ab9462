//! The actor of a room: one mailbox, one append in flight, one writer of one auction.
//!
//! What arrives while an append is under way forms the next batch. Nobody is answered and nothing is fanned out before
//! the commit that it rests on. When the outcome of an append is not known, the log is read again before anything else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::act::Act;
use super::batch::{Desk, Named, Pending, Refused, Waiting};
use super::handle::{Answer, Ask, Envelope};
use super::mirror::Mirror;
use super::recovery::{Recovered, RoomError, counting_bids, recover};
use super::registry::{Departure, Deps};
use crate::clock::Mark;
use crate::coordination::Holding;
use crate::domain::auction::{Command, Rejection};
use crate::domain::{AuctionId, LogId, Span, Timestamp};
use crate::journal::{AckLevel, AppendError, Batch, Outage, Snapshot};

const SNAPSHOT_EVENTS_MIN: usize = 4_096;
const SNAPSHOT_ON_UNLOAD_EVENTS_MIN: usize = 64;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
const SLEEP_MAX: Duration = Duration::from_secs(10);
const SLEEP_NEAR_MAX: Duration = Duration::from_millis(500);
/// A room in which nothing can happen any more need not stay for long.
const IDLE_OVER: Duration = Duration::from_secs(5);
const NEAR_MIN: Span = Span::from_secs(60);

/// How an append went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Appended {
    /// It is committed, or there was nothing to commit.
    InTime,
    /// It is committed, but took so long that time was lost to bidders.
    Late,
    /// It did not come back as committed; the log was read again.
    Failed,
}

pub(super) struct Actor {
    auction: AuctionId,
    deps: Arc<Deps>,
    mailbox: mpsc::Receiver<Envelope>,
    inbox: Vec<Envelope>,
    mirror: Arc<Mirror>,
    holding: Holding,
    log: LogId,
    ack: AckLevel,
    desk: Desk,
    since_snapshot: usize,
    snapshot_after: usize,
    flush_at: Option<Instant>,
    active_at: Instant,
    closing: bool,
    /// What was decided last is not known to be in the log, and never will be here: nothing may rest on it.
    adrift: bool,
    _departure: Departure,
}

impl Actor {
    pub(super) fn new(
        auction: AuctionId,
        deps: Arc<Deps>,
        mailbox: mpsc::Receiver<Envelope>,
        mirror: Arc<Mirror>,
        holding: Holding,
        recovered: &Recovered,
        departure: Departure,
    ) -> Self {
        Self {
            auction,
            mailbox,
            inbox: Vec::new(),
            mirror,
            desk: Desk::new(recovered, holding.lease.epoch, deps.limits.bid_deadline),
            holding,
            log: recovered.log,
            ack: recovered.ack,
            since_snapshot: recovered.since_snapshot,
            snapshot_after: SNAPSHOT_EVENTS_MIN.max(recovered.state.weight()),
            flush_at: None,
            active_at: Instant::now(),
            closing: false,
            adrift: false,
            deps,
            _departure: departure,
        }
    }

    /// Gives back the time of `outages`, opens and closes what is due, and then serves until it is told to go or has
    /// nothing to do.
    pub(super) async fn run(mut self, outages: Vec<Outage>) {
        let now = self.deps.clock.now();
        let mut pending = Pending::default();
        for outage in outages {
            self.desk.give_back(outage, now, &mut pending);
        }
        self.desk.tick(now, &mut pending);
        self.commit(pending, now).await;
        while !self.closing {
            let wake = self.next_wake();
            let mark = self.deps.clock.mark();
            let received = tokio::select! {
                biased;
                count = self.mailbox.recv_many(&mut self.inbox, self.deps.limits.batch_max) => Some(count),
                () = tokio::time::sleep_until(wake.into()) => None,
            };
            self.notice_pause(wake, mark).await;
            match received {
                Some(0) => break,
                Some(_) => self.serve().await,
                None => self.on_time().await,
            }
        }
        self.leave().await;
    }

    /// A room that meant to wake up and did not was paused with its process, or with the whole machine: that time was
    /// lost to bidders.
    async fn notice_pause(&mut self, wake: Instant, mark: Mark) {
        let late = Some(Instant::now().saturating_duration_since(wake)).filter(|late| *late >= self.deps.limits.stall);
        let skipped = self.deps.clock.skipped_since(mark);
        if late.is_some() || skipped > Span::ZERO {
            let until = self.deps.clock.now();
            let late = Span::from_millis(late.unwrap_or_default().as_millis() as i64);
            let from = until.minus(late).minus(skipped);
            let mut pending = Pending::default();
            self.desk.give_back(Outage { from, until }, until, &mut pending);
            self.commit(pending, from).await;
        }
    }

    /// Finishes what was asked before the mailbox closed, keeps a snapshot and gives the lease back.
    async fn leave(mut self) {
        self.mailbox.close();
        while self.mailbox.recv_many(&mut self.inbox, self.deps.limits.batch_max).await > 0 {
            self.serve().await;
        }
        self.mirror.flush();
        let sound = !self.adrift && !self.deps.lost.is_cancelled();
        if self.since_snapshot >= SNAPSHOT_ON_UNLOAD_EVENTS_MIN && sound {
            let snapshot = Snapshot::take(&self.desk.state, self.desk.head());
            if let Err(error) = self.deps.journal.save_snapshot(self.auction, snapshot).await {
                tracing::warn!(auction = %self.auction, %error, "a snapshot could not be kept: {error}");
            }
        }
        self.deps.leases.release(self.auction, &self.holding, self.desk.state.due_at()).await;
    }

    /// Decides and commits what is in the inbox.
    async fn serve(&mut self) {
        self.active_at = Instant::now();
        let mut queue = VecDeque::from(std::mem::take(&mut self.inbox));
        metrics::histogram!("bidhub_room_batch_size").record(queue.len() as f64);
        while !queue.is_empty() {
            let started = self.deps.clock.now();
            let mut pending = Pending::default();
            while let Some(envelope) = queue.pop_front() {
                // A void reads the log, so what was decided before it must be there.
                if matches!(envelope.ask, Ask::Act(Act::Void { .. })) && !pending.records.is_empty() {
                    queue.push_front(envelope);
                    break;
                }
                self.decide(envelope, started, &mut pending).await;
            }
            self.commit(pending, started).await;
        }
        if self.inbox.capacity() == 0 {
            self.inbox = queue.into();
        }
    }

    async fn decide(&mut self, envelope: Envelope, started: Timestamp, pending: &mut Pending) {
        let Envelope { ask, entered, deadline, reply, _slot } = envelope;
        if started > deadline || self.adrift || self.deps.lost.is_cancelled() {
            reply.give(Err(Rejection::Unavailable));
            return;
        }
        let mut named = None;
        let answer = match ask {
            Ask::Bid(bid) => {
                named = Some(Named::Bid(bid.bidder, bid.key.clone(), bid.offer));
                self.desk.bid(bid, entered, pending)
            }
            Ask::Act(act) => match self.command(act, started, pending).await {
                Ok(command) => {
                    named = Named::of_act(&command);
                    self.desk.act(&command, entered, pending)
                }
                Err(rejection) => Err(rejection),
            },
            Ask::Look => {
                self.desk.tick(entered, pending);
                Ok(Answer::Done(self.desk.state.seq))
            }
            Ask::Shutdown => {
                self.closing = true;
                Ok(Answer::Done(self.desk.state.seq))
            }
        };
        pending.replies.push(Waiting { reply, answer, named, _slot });
    }

    /// The command that an act asks for, with what it needs from the log.
    async fn command(&mut self, act: Act, started: Timestamp, pending: &mut Pending) -> Result<Command, Rejection> {
        let mut bids = Vec::new();
        if let Act::Void { .. } = act {
            let clock = Instant::now();
            let read = counting_bids(&*self.deps.journal, self.auction).await;
            // Nothing was decided while the log was read: for bidders that is as a commit that takes so long.
            if clock.elapsed() >= self.deps.limits.stall {
                let until = self.deps.clock.now();
                self.desk.give_back(Outage { from: started, until }, until, pending);
            }
            bids = read.map_err(|error| {
                tracing::warn!(auction = %self.auction, %error, "the bids could not be read back: {error}");
                Rejection::Unavailable
            })?;
        }
        Ok(act.with(bids))
    }

    /// Commits what is pending and then tells everyone concerned. A journal that failed or took too long is time lost to
    /// bidders since `started`, which is given back if it matters before anything else is decided.
    async fn commit(&mut self, pending: Pending, started: Timestamp) {
        let mut outcome = self.append(pending).await;
        while outcome != Appended::InTime && !self.closing {
            let until = self.deps.clock.now();
            let mut pending = Pending::default();
            self.desk.give_back(Outage { from: started, until }, until, &mut pending);
            outcome = match self.append(pending).await {
                // Nothing was given back, so the loss goes on from where it began.
                Appended::Failed => Appended::Failed,
                // What this append took is not counted again: no bid waits for it that was not given its time.
                Appended::InTime | Appended::Late => Appended::InTime,
            };
        }
    }

    /// Appends and tells.
    async fn append(&mut self, mut pending: Pending) -> Appended {
        let Some(onto) = pending.onto.filter(|_| !pending.records.is_empty()) else {
            pending.replies.into_iter().for_each(Waiting::give);
            return Appended::InTime;
        };
        let publics = pending.publics();
        let batch = Batch {
            auction: self.auction,
            log: self.log,
            ack: self.ack,
            lease: self.holding.lease,
            onto,
            records: std::mem::take(&mut pending.records),
            due_at: self.desk.state.due_at(),
        };
        let clock = Instant::now();
        let outcome = self.append_and_flush(batch).await;
        metrics::histogram!("bidhub_room_append_seconds").record(clock.elapsed());
        match outcome {
            Ok(()) => {
                self.since_snapshot += pending.events.len();
                self.flush_at = self.mirror.commit(&pending.events, publics.into_iter()).or(self.flush_at);
                pending.replies.into_iter().for_each(Waiting::give);
                self.keep_snapshot();
                if clock.elapsed() >= self.deps.limits.stall { Appended::Late } else { Appended::InTime }
            }
            Err(error) => {
                self.read_again(pending, error).await;
                Appended::Failed
            }
        }
    }

    /// Awaits the append, and sends on in the meantime what watchers wait for.
    async fn append_and_flush(&mut self, batch: Batch) -> Result<(), AppendError> {
        let journal = self.deps.journal.clone();
        let append = journal.append(batch);
        tokio::pin!(append);
        loop {
            let flush_at = self.flush_at;
            tokio::select! {
                outcome = &mut append => return outcome,
                () = sleep_until(flush_at), if flush_at.is_some() => self.flush(),
            }
        }
    }

    fn flush(&mut self) {
        self.flush_at = None;
        self.mirror.flush();
    }

    /// After an append of unknown outcome: takes the lease anew, reads the log, and answers what is found there.
    async fn read_again(&mut self, pending: Pending, error: AppendError) {
        tracing::warn!(auction = %self.auction, %error, "an append did not come back, so the log is read again: {error}");
        metrics::counter!("bidhub_room_rereads_total").increment(1);
        let mut pause = RETRY_FIRST;
        while let Err(error) = self.try_read_again(&pending.refused).await {
            tracing::warn!(auction = %self.auction, %error, "the log cannot be read yet: {error}");
            if !self.wait_to_retry(&mut pause).await {
                // Whoever owns the room now will answer; the replies say so as they are dropped.
                self.adrift = true;
                return;
            }
        }
        for Waiting { reply, named, .. } in pending.replies {
            let found = named.map(|named| self.desk.found(&named));
            reply.give(found.unwrap_or(Err(Rejection::Unavailable)));
        }
        // Until the journal takes writes again nothing can be decided, and above all nothing closed.
        while let Err(error) = self.deps.journal.probe().await {
            tracing::warn!(auction = %self.auction, %error, "the log cannot be written to yet: {error}");
            if !self.wait_to_retry(&mut pause).await {
                return;
            }
        }
    }

    /// Waits a little, each time longer. False if the room must not go on.
    async fn wait_to_retry(&mut self, pause: &mut Duration) -> bool {
        let jitter = Duration::from_millis(self.deps.chance.below(pause.as_millis() as u64));
        tokio::select! {
            () = self.deps.lost.cancelled() => self.closing = true,
            () = tokio::time::sleep(*pause / 2 + jitter / 2) => *pause = (*pause * 2).min(RETRY_MAX),
        }
        !self.closing
    }

    async fn try_read_again(&mut self, refused: &Refused) -> Result<(), RoomError> {
        let unavailable = |error: &dyn std::fmt::Display| RoomError::Unavailable(error.to_string());
        let floor = self.holding.lease.epoch;
        self.holding = self.deps.leases.acquire(self.auction, floor).await.map_err(|error| unavailable(&error))?;
        let recovered = recover(&*self.deps.journal, self.auction).await?;
        let (mut events, mut publics) = (Vec::new(), Vec::new());
        let mut after = self.mirror.seq();
        while after < recovered.state.seq {
            let page = self.deps.journal.read(self.auction, after, SNAPSHOT_EVENTS_MIN).await?;
            let Some(last) = page.last() else { return Err(unavailable(&"the log ends early")) };
            after = last.seq;
            for record in page {
                events.push(record.event().map_err(|error| unavailable(&error))?);
                publics.push(record.public);
            }
        }
        self.since_snapshot = recovered.since_snapshot;
        self.desk.restart(recovered, self.holding.lease.epoch, refused);
        self.flush_at = self.mirror.commit(&events, publics.into_iter()).or(self.flush_at);
        Ok(())
    }

    /// Keeps a snapshot when so much has happened that it pays.
    fn keep_snapshot(&mut self) {
        if self.since_snapshot < self.snapshot_after {
            return;
        }
        self.since_snapshot = 0;
        self.snapshot_after = SNAPSHOT_EVENTS_MIN.max(self.desk.state.weight());
        let snapshot = Snapshot::take(&self.desk.state, self.desk.head());
        let (journal, auction) = (self.deps.journal.clone(), self.auction);
        tokio::spawn(async move {
            if let Err(error) = journal.save_snapshot(auction, snapshot).await {
                tracing::warn!(%auction, %error, "a snapshot could not be kept: {error}");
            }
        });
    }

    async fn on_time(&mut self) {
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush();
        }
        let started = self.deps.clock.now();
        let mut pending = Pending::default();
        self.desk.tick(started, &mut pending);
        self.commit(pending, started).await;
        let idle = if self.desk.state.is_over() { IDLE_OVER } else { self.deps.limits.idle_unload };
        if now >= self.active_at + idle.min(self.deps.limits.idle_unload) && !self.due_soon(started) {
            self.closing = self.mirror.close_if_unwatched();
        }
    }

    fn due_soon(&self, now: Timestamp) -> bool {
        let horizon = self.deps.limits.idle_unload.as_millis() as i64 * 2;
        self.desk.state.due_at().is_some_and(|due| due.since(now).millis() < horizon)
    }

    /// When to wake up without being asked. In the stretch where lost time counts, often enough to notice it.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let terms = &self.desk.state.terms;
        let window = terms.format.soft_close().map_or(Span::ZERO, |soft| soft.window);
        let near = window.max(terms.grace).max(NEAR_MIN).millis();
        let due = self.desk.state.due_at().map(|due| due.since(self.deps.clock.now()).millis());
        let sleep = match due {
            Some(millis) if millis < near => Duration::from_millis(millis.unsigned_abs()).min(SLEEP_NEAR_MAX),
            None if self.desk.state.is_over() => IDLE_OVER.min(self.deps.limits.idle_unload),
            _ => SLEEP_MAX.min(self.deps.limits.idle_unload),
        };
        self.flush_at.map_or(now + sleep, |flush| flush.min(now + sleep))
    }
}

impl Waiting {
    fn give(self) {
        self.reply.give(self.answer);
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
