//! The part of a node that runs a room: one mailbox, one append in flight, one writer of one auction.
//!
//! What arrives while an append is under way forms the next batch. Nobody is answered and nothing is fanned out before
//! the commit that it rests on; an answer that rests on no commit of its own is only given while the lease surely stands.
//! When the outcome of an append is not known, the log is read again before anything else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::act::Act;
use super::assume::{NotTaken, Owned, take};
use super::batch::{Desk, Pending, Refused, Waiting};
use super::handle::{Answer, Ask, Envelope};
use super::life::{Core, sleep_until};
use super::recovery::counting_bids;
use crate::clock::Mark;
use crate::coordination::Holding;
use crate::domain::auction::{Command, Rejection};
use crate::domain::{LogId, Span, Timestamp};
use crate::journal::{AckLevel, AppendError, Batch, Outage, Record, Snapshot};
use crate::trace;

const SNAPSHOT_EVENTS_MIN: usize = 4_096;
const SNAPSHOT_ON_UNLOAD_EVENTS_MIN: usize = 64;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
const SLEEP_MAX: Duration = Duration::from_secs(10);
/// A lease that must be renewed is looked after more often.
const SLEEP_LEASED_MAX: Duration = Duration::from_secs(1);
const SLEEP_NEAR_MAX: Duration = Duration::from_millis(500);
/// A room in which nothing can happen any more need not stay for long.
const IDLE_OVER: Duration = Duration::from_secs(5);
const NEAR_MIN: Span = Span::from_secs(60);
/// How long the archive may take to have everything before the room stays for that reason.
const SETTLE_MAX: Duration = Duration::from_secs(2);

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

pub(super) struct Owner {
    core: Core,
    inbox: Vec<Envelope>,
    holding: Holding,
    log: LogId,
    ack: AckLevel,
    desk: Desk,
    outages: Vec<Outage>,
    since_snapshot: usize,
    snapshot_after: usize,
    /// This part has ended: the room goes away, or another node is to run it.
    ended: bool,
    /// What was decided last is not known to be in the log, and never will be here: nothing may rest on it.
    adrift: bool,
}

impl Owner {
    pub(super) fn new(core: Core, owned: Owned) -> Self {
        let Owned { holding, recovered, outages } = owned;
        Self {
            inbox: Vec::new(),
            log: recovered.log,
            ack: recovered.ack,
            since_snapshot: recovered.since_snapshot,
            snapshot_after: SNAPSHOT_EVENTS_MIN.max(recovered.state.weight()),
            desk: Desk::new(recovered, holding.lease.epoch, core.deps.limits.bid_deadline),
            outages,
            holding,
            core,
            ended: false,
            adrift: false,
        }
    }

    /// Gives back the time that was lost, opens and closes what is due, and then serves until it is told to go, has
    /// nothing to do, or may no longer.
    pub(super) async fn run(mut self) -> Core {
        let now = self.core.deps.clock.now();
        let outages = std::mem::take(&mut self.outages);
        self.account_for(outages, now).await;
        self.inbox.extend(self.core.held.drain(..));
        if !self.inbox.is_empty() && !self.ended {
            self.serve().await;
        }
        while !self.ended {
            let wake = self.next_wake();
            let mark = self.core.deps.clock.mark();
            let received = tokio::select! {
                biased;
                count = self.core.mailbox.recv_many(&mut self.inbox, self.core.deps.limits.batch_max) => Some(count),
                () = tokio::time::sleep_until(wake.into()) => None,
            };
            self.notice_pause(wake, mark).await;
            match received {
                Some(0) => self.close(),
                Some(_) => self.serve().await,
                None => self.on_time().await,
            }
        }
        self.leave().await
    }

    /// Gives back the time of `outages` and does what was due. Even if nothing comes of it, the journal is told that the
    /// time before is accounted for.
    async fn account_for(&mut self, outages: Vec<Outage>, now: Timestamp) {
        let mut pending = Pending::default();
        let any = !outages.is_empty();
        for outage in outages {
            self.desk.give_back(outage, now, &mut pending);
        }
        self.desk.tick(now, &mut pending);
        if any {
            self.confirm(&mut pending);
        }
        self.commit(pending, now).await;
    }

    fn close(&mut self) {
        (self.ended, self.core.closing) = (true, true);
    }

    /// This part ends, and the room goes on in another.
    fn step_down(&mut self) {
        self.ended = true;
    }

    /// A room that meant to wake up and did not was paused with its process, or with the whole machine: that time was
    /// lost to bidders.
    async fn notice_pause(&mut self, wake: Instant, mark: Mark) {
        let late =
            Some(Instant::now().saturating_duration_since(wake)).filter(|late| *late >= self.core.deps.limits.stall);
        let skipped = self.core.deps.clock.skipped_since(mark);
        if late.is_some() || skipped > Span::ZERO {
            let until = self.core.deps.clock.now();
            let late = Span::from_millis(late.unwrap_or_default().as_millis() as i64);
            let from = until.minus(late).minus(skipped);
            let mut pending = Pending::default();
            self.desk.give_back(Outage { from, until }, until, &mut pending);
            self.commit(pending, from).await;
        }
    }

    /// Finishes what was asked before, keeps a snapshot, and gives the lease back unless it is gone.
    async fn leave(mut self) -> Core {
        if self.core.closing {
            self.core.mailbox.close();
            while self.core.mailbox.recv_many(&mut self.inbox, self.core.deps.limits.batch_max).await > 0 {
                self.serve().await;
            }
        }
        self.core.flush();
        let sound = !self.adrift && !self.core.deps.lost.is_cancelled() && self.holding.speaks();
        if sound {
            self.let_go().await;
        }
        self.holding.revoke();
        self.core
    }

    async fn let_go(&mut self) {
        let Core { auction, deps, .. } = &self.core;
        let head = self.desk.head();
        if self.since_snapshot >= SNAPSHOT_ON_UNLOAD_EVENTS_MIN {
            let snapshot = Snapshot::take(&self.desk.state, head);
            if let Err(error) = deps.journal.save_snapshot(*auction, snapshot).await {
                tracing::warn!(%auction, %error, "a snapshot could not be kept: {error}");
            }
        }
        // What is not archived yet is the business of whoever comes next, who should come at once.
        let settled = deps.journal.settle(*auction, head, Duration::ZERO).await.is_ok();
        let wake_at = if settled { self.desk.state.due_at() } else { Some(deps.clock.now()) };
        deps.leases.release(*auction, &self.holding, wake_at).await;
    }

    /// Decides and commits what is in the inbox.
    async fn serve(&mut self) {
        self.core.active_at = Instant::now();
        self.holding.work(true);
        let mut queue = VecDeque::from(std::mem::take(&mut self.inbox));
        metrics::histogram!("bidhub_room_batch_size").record(queue.len() as f64);
        while !queue.is_empty() {
            let started = self.core.deps.clock.now();
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
        self.holding.work(false);
    }

    async fn decide(&mut self, envelope: Envelope, started: Timestamp, pending: &mut Pending) {
        let Envelope { ask, entered, deadline, reply, forwarded, trail } = envelope;
        if started > deadline || self.adrift || self.core.deps.lost.is_cancelled() {
            reply.give(Err(Rejection::Unavailable));
            return;
        }
        if let Some(mut trail) = trail {
            pending.follows(trail.taken_up(), self.core.auction);
        }
        let mut again = None;
        let answer = match ask {
            Ask::Bid(bid, raise) => {
                again = Some(Ask::Bid(bid.clone(), raise));
                self.desk.bid(bid, raise, entered, pending)
            }
            Ask::Act(act) => {
                again = Some(Ask::Act(act.clone()));
                match self.command(act, started, pending).await {
                    Ok(command) => self.desk.act(&command, entered, pending),
                    Err(rejection) => Err(rejection),
                }
            }
            Ask::Look => {
                self.desk.tick(entered, pending);
                Ok(Answer::Done(self.desk.state.seq))
            }
            Ask::HandOver => {
                self.step_down();
                Ok(Answer::Done(self.desk.state.seq))
            }
            Ask::Shutdown => {
                self.close();
                Ok(Answer::Done(self.desk.state.seq))
            }
        };
        pending.replies.push(Waiting { reply, answer, again, entered, deadline, forwarded });
    }

    /// The command that an act asks for, with what it needs from the log.
    async fn command(&mut self, act: Act, started: Timestamp, pending: &mut Pending) -> Result<Command, Rejection> {
        let mut bids = Vec::new();
        if let Act::Void { .. } = act {
            let clock = Instant::now();
            let read = counting_bids(&*self.core.deps.journal, self.core.auction).await;
            // Nothing was decided while the log was read: for bidders that is as a commit that takes so long.
            if clock.elapsed() >= self.core.deps.limits.stall {
                let until = self.core.deps.clock.now();
                self.desk.give_back(Outage { from: started, until }, until, pending);
            }
            bids = read.map_err(|error| {
                tracing::warn!(auction = %self.core.auction, %error, "the bids could not be read back: {error}");
                Rejection::Unavailable
            })?;
        }
        Ok(act.with(bids))
    }

    /// Commits what is pending and then tells everyone concerned. A journal that failed or took too long is time lost to
    /// bidders since `started`, which is given back if it matters before anything else is decided.
    async fn commit(&mut self, pending: Pending, started: Timestamp) {
        let from = self.holding.silent_since(started).unwrap_or(started);
        let mut outcome = self.append(pending).await;
        while outcome != Appended::InTime && !self.ended {
            let until = self.core.deps.clock.now();
            let mut pending = Pending::default();
            self.desk.give_back(Outage { from, until }, until, &mut pending);
            if outcome == Appended::Failed {
                self.confirm(&mut pending);
            }
            outcome = match self.append(pending).await {
                // Nothing was given back, so the loss goes on from where it began.
                Appended::Failed => Appended::Failed,
                // What this append took is not counted again: no bid waits for it that was not given its time.
                Appended::InTime | Appended::Late => Appended::InTime,
            };
        }
    }

    /// Lets `pending` be appended even if nothing happens in it, so that a journal which keeps account of lost time hears
    /// that it was dealt with.
    fn confirm(&self, pending: &mut Pending) {
        if self.holding.alive_at().is_some() {
            pending.onto.get_or_insert(self.desk.head());
            pending.confirms = true;
        }
    }

    /// Appends and tells.
    async fn append(&mut self, mut pending: Pending) -> Appended {
        let Some(onto) = pending.onto.filter(|_| pending.confirms || !pending.records.is_empty()) else {
            if pending.replies.is_empty() || self.holding.speaks() {
                pending.replies.into_iter().for_each(Waiting::give);
            } else {
                self.step_down_with(pending.replies);
            }
            return Appended::InTime;
        };
        let records: Arc<[Record]> = std::mem::take(&mut pending.records).into();
        let batch = Batch {
            auction: self.core.auction,
            log: self.log,
            ack: self.ack,
            lease: self.holding.lease,
            onto,
            records: records.clone(),
            due_at: self.desk.state.due_at(),
        };
        let (sent, at) = (Instant::now(), self.core.deps.clock.now());
        trace::sealed(&pending.span, pending.replies.len(), pending.events.len());
        let outcome = trace::append(&pending.span, self.append_and_flush(batch)).await;
        metrics::histogram!("bidhub_room_append_seconds").record(sent.elapsed());
        match outcome {
            Ok(()) => {
                self.holding.renewed(sent, at);
                self.since_snapshot += pending.events.len();
                self.core.flush_at = self.core.mirror.commit(&pending.events, &records).or(self.core.flush_at);
                pending.replies.into_iter().for_each(Waiting::give);
                self.keep_snapshot();
                if sent.elapsed() >= self.core.deps.limits.stall { Appended::Late } else { Appended::InTime }
            }
            Err(error) => {
                self.read_again(pending, error).await;
                Appended::Failed
            }
        }
    }

    /// Another node runs the room, or may: what could not be answered here is asked there.
    fn step_down_with(&mut self, unanswered: Vec<Waiting>) {
        self.step_down();
        self.adrift = true;
        self.core.held.extend(unanswered.into_iter().filter_map(Waiting::into_envelope).filter(|it| !it.forwarded));
    }

    /// Awaits the append, and sends on in the meantime what watchers wait for.
    async fn append_and_flush(&mut self, batch: Batch) -> Result<(), AppendError> {
        let journal = self.core.deps.journal.clone();
        let append = journal.append(batch);
        tokio::pin!(append);
        loop {
            let flush_at = self.core.flush_at;
            tokio::select! {
                outcome = &mut append => return outcome,
                () = sleep_until(flush_at), if flush_at.is_some() => self.core.flush(),
            }
        }
    }

    /// After an append of unknown outcome: takes the lease anew, reads the log, and answers what is found there.
    async fn read_again(&mut self, pending: Pending, error: AppendError) {
        tracing::warn!(auction = %self.core.auction, %error, "an append did not come back, so the log is read again: {error}");
        metrics::counter!("bidhub_room_rereads_total").increment(1);
        let mut pause = RETRY_FIRST;
        loop {
            match self.try_read_again(&pending.refused).await {
                Ok(()) => break,
                Err(NotTaken::Held) => return self.step_down_with(pending.replies),
                Err(NotTaken::Failed(error)) => {
                    tracing::warn!(auction = %self.core.auction, %error, "the log cannot be read yet: {error}");
                    if !self.wait_to_retry(&mut pause).await {
                        // Whoever owns the room now will answer; the replies say so as they are dropped.
                        self.adrift = true;
                        return;
                    }
                }
            }
        }
        for Waiting { reply, again, .. } in pending.replies {
            reply.give(again.map_or(Err(Rejection::Unavailable), |ask| self.desk.found(&ask)));
        }
        // Until the journal takes writes again nothing can be decided, and above all nothing closed.
        while let Err(error) = self.core.deps.journal.probe().await {
            tracing::warn!(auction = %self.core.auction, %error, "the log cannot be written to yet: {error}");
            if !self.wait_to_retry(&mut pause).await {
                return;
            }
        }
    }

    /// Waits a little, each time longer. False if the room must not go on.
    async fn wait_to_retry(&mut self, pause: &mut Duration) -> bool {
        let jitter = Duration::from_millis(self.core.deps.chance.below(pause.as_millis() as u64));
        tokio::select! {
            () = self.core.deps.lost.cancelled() => self.close(),
            () = tokio::time::sleep(*pause / 2 + jitter / 2) => *pause = (*pause * 2).min(RETRY_MAX),
        }
        !self.ended
    }

    async fn try_read_again(&mut self, refused: &Refused) -> Result<(), NotTaken> {
        let Core { auction, deps, post, mirror, .. } = &self.core;
        let owned = take(deps, post, *auction, Some(mirror), self.holding.lease.epoch).await?;
        self.holding.revoke();
        self.holding = owned.holding;
        self.holding.work(true);
        let mut recovered = owned.recovered;
        self.core.flush_at = mirror.adopt(&mut recovered).or(self.core.flush_at);
        self.log = recovered.log;
        self.since_snapshot = recovered.since_snapshot;
        self.desk.restart(recovered, self.holding.lease.epoch, refused);
        Ok(())
    }

    /// Keeps a snapshot when so much has happened that it pays.
    fn keep_snapshot(&mut self) {
        if self.since_snapshot < self.snapshot_after {
            return;
        }
        self.since_snapshot = 0;
        self.snapshot_after = SNAPSHOT_EVENTS_MIN.max(self.desk.state.weight());
        // A copy of the state is taken here; writing it down takes much longer, and bids do not wait for that.
        let (state, head) = (self.desk.state.clone(), self.desk.head());
        let (journal, auction) = (self.core.deps.journal.clone(), self.core.auction);
        tokio::spawn(async move {
            let Ok(snapshot) = tokio::task::spawn_blocking(move || Snapshot::take(&state, head)).await else { return };
            if let Err(error) = journal.save_snapshot(auction, snapshot).await {
                tracing::warn!(%auction, %error, "a snapshot could not be kept: {error}");
            }
        });
    }

    async fn on_time(&mut self) {
        let now = Instant::now();
        if self.core.flush_at.is_some_and(|at| at <= now) {
            self.core.flush();
        }
        if !self.holding.speaks() {
            tracing::warn!(auction = %self.core.auction, "the lease was not renewed in time: the room falls silent");
            self.adrift = true;
            return self.step_down();
        }
        let started = self.core.deps.clock.now();
        let mut pending = Pending::default();
        if let Some(lapse) = self.holding.take_lapse() {
            self.desk.give_back(lapse, started, &mut pending);
        }
        self.desk.tick(started, &mut pending);
        self.commit(pending, started).await;
        self.unload_if_idle(now, started).await;
    }

    async fn unload_if_idle(&mut self, now: Instant, started: Timestamp) {
        let idle_unload = self.core.deps.limits.idle_unload;
        let idle = if self.desk.state.is_over() { IDLE_OVER.min(idle_unload) } else { idle_unload };
        if now < self.core.active_at + idle || self.due_soon(started) || self.ended {
            return;
        }
        let settled = self.core.deps.journal.settle(self.core.auction, self.desk.head(), SETTLE_MAX).await;
        if let Err(error) = settled {
            tracing::warn!(auction = %self.core.auction, %error, "an idle room stays, for not all of it is archived: {error}");
            self.core.active_at = now;
        } else if self.core.mirror.close_if_unwatched() {
            self.close();
        }
    }

    fn due_soon(&self, now: Timestamp) -> bool {
        let horizon = self.core.deps.limits.idle_unload.as_millis() as i64 * 2;
        self.desk.state.due_at().is_some_and(|due| due.since(now).millis() < horizon)
    }

    /// When to wake up without being asked. In the stretch where lost time counts, often enough to notice it.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let terms = &self.desk.state.terms;
        let window = terms.format.soft_close().map_or(Span::ZERO, |soft| soft.window);
        let near = window.max(terms.grace).max(NEAR_MIN).millis();
        let due = self.desk.state.due_at().map(|due| due.since(self.core.deps.clock.now()).millis());
        let sleep = match due {
            Some(millis) if millis < near => Duration::from_millis(millis.unsigned_abs()).min(SLEEP_NEAR_MAX),
            None if self.desk.state.is_over() => IDLE_OVER.min(self.core.deps.limits.idle_unload),
            _ => SLEEP_MAX.min(self.core.deps.limits.idle_unload),
        };
        let sleep = if self.holding.alive_at().is_some() { sleep.min(SLEEP_LEASED_MAX) } else { sleep };
        self.core.flush_at.map_or(now + sleep, |flush| flush.min(now + sleep))
    }
}
