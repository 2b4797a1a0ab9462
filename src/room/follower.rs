//! The part of a node that follows a room: it applies what the owner commits, checks that nothing is missing and fetches
//! what is, and hands on to the owner what it is asked. It decides nothing; what it cannot get an answer to in time, it
//! says so.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::assume::Following;
use super::handle::{Answer, Ask, Envelope};
use super::life::{Core, is_late, sleep_until};
use super::post::{Answers, Ticket};
use crate::coordination::News;
use crate::domain::auction::{Event, Rejection};
use crate::domain::{AuctionId, LogId, NodeId, Seq};
use crate::journal::{Chain, Head, Packed, Record};
use crate::trace;

const TICK: Duration = Duration::from_millis(100);
/// An unanswered command is sent again after so long.
const RESEND_AFTER: Duration = Duration::from_secs(1);
/// What the owner could not decide is asked again after so long.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// An owner that has not been heard of for so long is asked after.
const SILENCE_MAX: Duration = Duration::from_secs(2);
const ASK_AFTER_OWNER_EVERY: Duration = Duration::from_millis(500);
/// How long an answer waits until what it speaks of can be seen here too.
const CATCH_UP_MAX: Duration = Duration::from_millis(250);
const PAGE: usize = 4_096;

/// Why this part ends.
enum End {
    /// Nobody runs the room, or another node than before, or what is here is not the log any more.
    Changed,
    /// The room goes away.
    Closing,
}

pub(super) struct Follower {
    core: Core,
    owner: NodeId,
    news: mpsc::Receiver<News>,
    log: LogId,
    chain: Chain,
    sent: HashMap<u64, Sent>,
    answers: mpsc::UnboundedReceiver<(u64, Result<Answer, Rejection>)>,
    answer_to: Answers,
    /// Answers that speak of events which are not here yet.
    early: Vec<(Seq, Instant, Envelope, Answer)>,
    heard_at: Instant,
    asked_at: Instant,
    inbox: Vec<Envelope>,
}

/// A command on its way.
struct Sent {
    envelope: Envelope,
    again_at: Instant,
    sent_at: Instant,
    /// The span of its way there and back, if it is followed.
    span: tracing::Span,
    _ticket: Ticket,
}

impl Follower {
    pub(super) fn new(core: Core, following: Following) -> Self {
        let Following { owner, news, recovered } = following;
        let (answer_to, answers) = mpsc::unbounded_channel();
        let now = Instant::now();
        Self {
            core,
            owner,
            news,
            log: recovered.log,
            chain: recovered.chain,
            sent: HashMap::new(),
            answers,
            answer_to,
            early: Vec::new(),
            heard_at: now,
            asked_at: now,
            inbox: Vec::new(),
        }
    }

    /// Follows until the part changes or the room goes away, and gives everything back that is not answered.
    pub(super) async fn run(mut self) -> Core {
        let end = self.follow().await;
        let Self { mut core, sent, early, .. } = self;
        for (_, _, envelope, answer) in early {
            envelope.reply.give(Ok(answer));
        }
        let mut unanswered: Vec<Envelope> = sent.into_values().map(|sent| sent.envelope).collect();
        unanswered.sort_by_key(|envelope| envelope.entered);
        for envelope in unanswered.into_iter().rev() {
            core.held.push_front(envelope);
        }
        core.closing |= matches!(end, End::Closing);
        core
    }

    async fn follow(&mut self) -> End {
        for envelope in std::mem::take(&mut self.core.held) {
            self.hand_on(envelope);
        }
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let lost = self.core.deps.lost.clone();
        loop {
            let flush_at = self.core.flush_at;
            let ended = tokio::select! {
                biased;
                () = lost.cancelled() => Err(End::Closing),
                news = self.news.recv() => self.heard(news).await,
                Some((id, answer)) = self.answers.recv() => {
                    self.answered(id, answer);
                    Ok(())
                }
                count = self.core.mailbox.recv_many(&mut self.inbox, self.core.deps.limits.batch_max) => self.asked(count),
                () = sleep_until(flush_at), if flush_at.is_some() => {
                    self.core.flush();
                    Ok(())
                }
                _ = ticks.tick() => self.on_tick().await,
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    async fn heard(&mut self, news: Option<News>) -> Result<(), End> {
        self.heard_at = Instant::now();
        match news {
            Some(News::Committed(bytes)) => match Packed::unpack(&bytes) {
                Ok(packed) => self.committed(packed).await,
                Err(error) => {
                    tracing::warn!(auction = %self.core.auction, %error, "news that cannot be read: {error}");
                    Err(End::Changed)
                }
            },
            Some(News::Alive(lease, head)) => {
                self.owned_by(NodeId(lease.holder))?;
                self.reach(head).await
            }
            Some(News::Released) => {
                self.core.former = Some(self.owner);
                Err(End::Changed)
            }
            None => Err(End::Changed),
        }
    }

    /// Notes who runs the room; what another owner may not have heard of is sent again.
    fn owned_by(&mut self, owner: NodeId) -> Result<(), End> {
        if owner == self.core.post.node() {
            return Err(End::Changed);
        }
        if owner != self.owner {
            self.owner = owner;
            let now = Instant::now();
            self.sent.values_mut().for_each(|sent| sent.again_at = now);
        }
        Ok(())
    }

    /// Takes in a batch: at once if it follows, after what is missing if something is.
    async fn committed(&mut self, packed: Packed) -> Result<(), End> {
        let here = self.chain.head();
        let Some(last) = packed.records.last().map(|last| Head { seq: last.seq, digest: last.digest }) else {
            return Ok(());
        };
        if packed.log != self.log {
            return Err(End::Changed);
        }
        if last.seq <= here.seq {
            // Come twice, or late; unless it is another history.
            return if last.seq == here.seq && last.digest != here.digest { Err(End::Changed) } else { Ok(()) };
        }
        if packed.onto.seq > here.seq {
            return self.reach(last).await;
        }
        let fresh = packed.records.into_iter().filter(|record| record.seq > here.seq).collect();
        self.apply(fresh)
    }

    /// Fetches what is missing up to `head` at least.
    async fn reach(&mut self, head: Head) -> Result<(), End> {
        let here = self.chain.head();
        if head.seq < here.seq || head == here {
            return Ok(());
        }
        if head.seq == here.seq {
            return Err(End::Changed);
        }
        metrics::counter!("bidhub_mirror_gaps_total").increment(1);
        while self.chain.head().seq < head.seq {
            let after = self.chain.head().seq;
            match self.core.deps.journal.read(self.core.auction, after, PAGE).await {
                Ok(page) if page.is_empty() => return Err(End::Changed),
                Ok(page) => self.apply(page)?,
                Err(error) => {
                    // The next sign of life asks again.
                    tracing::warn!(auction = %self.core.auction, %error, "what is missing cannot be read: {error}");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, records: Vec<Record>) -> Result<(), End> {
        let broken = |auction: AuctionId, error: &dyn std::fmt::Display| {
            tracing::warn!(%auction, %error, "what came is not what follows here: {error}");
            End::Changed
        };
        let mut events: Vec<Event> = Vec::with_capacity(records.len());
        for record in &records {
            self.chain.follow(record).map_err(|error| broken(self.core.auction, &error))?;
            events.push(record.event().map_err(|error| broken(self.core.auction, &error))?);
        }
        let flush_at = self.core.mirror.commit(&events, &records.into());
        self.core.flush_at = flush_at.or(self.core.flush_at);
        self.release_early();
        Ok(())
    }

    fn asked(&mut self, count: usize) -> Result<(), End> {
        if count == 0 {
            return Err(End::Closing);
        }
        self.core.active_at = Instant::now();
        for envelope in std::mem::take(&mut self.inbox) {
            match envelope.ask {
                Ask::Shutdown => self.core.closing = true,
                Ask::Look | Ask::HandOver => {}
                Ask::Bid(..) | Ask::Act(_) => self.hand_on(envelope),
            }
        }
        if self.core.closing { Err(End::Closing) } else { Ok(()) }
    }

    /// Sends a command to the owner. What another node sent goes no further: it would wander.
    fn hand_on(&mut self, mut envelope: Envelope) {
        if envelope.forwarded || is_late(&envelope, self.core.deps.clock.now()) {
            envelope.reply.give(Err(Rejection::Unavailable));
            return;
        }
        let ticket = self.core.post.ticket(&self.answer_to);
        let id = ticket.id;
        let now = Instant::now();
        let span = envelope.trail.as_mut().map_or_else(tracing::Span::none, |trail| trace::forward(trail.taken_up()));
        let wait = if self.send(id, &envelope, &span) { RESEND_AFTER } else { RETRY_AFTER };
        self.sent.insert(id, Sent { envelope, again_at: now + wait, sent_at: now, span, _ticket: ticket });
    }

    fn send(&self, id: u64, envelope: &Envelope, span: &tracing::Span) -> bool {
        let place = trace::context_of(span);
        self.core.post.command(self.owner, id, self.core.auction, envelope.deadline, &envelope.ask, place)
    }

    fn answered(&mut self, id: u64, answer: Result<Answer, Rejection>) {
        let Some(sent) = self.sent.get_mut(&id) else { return };
        let outcome = match &answer {
            Err(Rejection::Unavailable) => {
                // Nothing was decided, or nobody there can say; the same key may be sent again.
                sent.again_at = Instant::now() + RETRY_AFTER;
                metrics::counter!("bidhub_forwards_total", "outcome" => "again").increment(1);
                return;
            }
            Ok(_) => "answered",
            Err(_) => "refused",
        };
        let Some(Sent { envelope, sent_at, .. }) = self.sent.remove(&id) else { return };
        metrics::counter!("bidhub_forwards_total", "outcome" => outcome).increment(1);
        metrics::histogram!("bidhub_forward_seconds").record(sent_at.elapsed());
        match answer {
            Ok(answer) => {
                let seq = match answer {
                    Answer::Verdict(verdict) => verdict.seq,
                    Answer::Done(seq) => seq,
                };
                if seq <= self.chain.head().seq {
                    envelope.reply.give(Ok(answer));
                } else {
                    // Who asks, and then looks here, finds what was answered.
                    self.early.push((seq, Instant::now() + CATCH_UP_MAX, envelope, answer));
                }
            }
            Err(rejection) => envelope.reply.give(Err(rejection)),
        }
    }

    /// Gives the answers that can be seen here now, or have waited long enough.
    fn release_early(&mut self) {
        let (here, now) = (self.chain.head().seq, Instant::now());
        let ready = |it: &mut (Seq, Instant, Envelope, Answer)| it.0 <= here || it.1 <= now;
        for (_, _, envelope, answer) in self.early.extract_if(.., ready) {
            envelope.reply.give(Ok(answer));
        }
    }

    async fn on_tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        self.release_early();
        self.expire();
        if now.duration_since(self.heard_at) >= SILENCE_MAX
            && now.duration_since(self.asked_at) >= ASK_AFTER_OWNER_EVERY
        {
            self.asked_at = now;
            match self.core.deps.leases.owner(self.core.auction).await {
                Ok(Some(owner)) => self.owned_by(owner)?,
                Ok(None) => return Err(End::Changed),
                Err(error) => {
                    tracing::debug!(auction = %self.core.auction, %error, "who runs it is not known: {error}")
                }
            }
        }
        let due: Vec<u64> = self.sent.iter().filter(|(_, sent)| sent.again_at <= now).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(sent) = self.sent.get(&id) {
                self.send(id, &sent.envelope, &sent.span);
            }
            if let Some(sent) = self.sent.get_mut(&id) {
                sent.again_at = now + RESEND_AFTER;
            }
        }
        self.unload_if_idle(now)
    }

    fn expire(&mut self) {
        let now = self.core.deps.clock.now();
        for (_, sent) in self.sent.extract_if(|_, sent| is_late(&sent.envelope, now)) {
            metrics::counter!("bidhub_forwards_total", "outcome" => "unanswered").increment(1);
            sent.envelope.reply.give(Err(Rejection::Unavailable));
        }
    }

    fn unload_if_idle(&mut self, now: Instant) -> Result<(), End> {
        let idle = now.duration_since(self.core.active_at) >= self.core.deps.limits.idle_unload;
        if !idle || !self.sent.is_empty() || !self.early.is_empty() || !self.core.mirror.close_if_unwatched() {
            return Ok(());
        }
        self.core.mailbox.close();
        if self.core.mailbox.is_empty() { Err(End::Closing) } else { Ok(()) }
    }
}
