//! The deciding part of a room: from what was asked to sealed records and answers. It awaits nothing and tells nobody;
//! what it has decided is only true once the actor has committed it.

use super::funding::Raise;
use super::handle::{Answer, Ask, Envelope, Reply};
use super::recovery::Recovered;
use super::rejected::{Refusal, RejectedKeys};
use crate::domain::auction::{Asked, Bid, Command, Event, Offer, Rejection, State};
use crate::domain::{AccountId, AuctionId, BidKey, Span, Timestamp};
use crate::journal::record::seal_event;
use crate::journal::{Chain, Head, Outage, Record};
use crate::trace;

/// The state as decided so far, ahead of what is committed by at most one batch.
pub(super) struct Desk {
    pub state: State,
    chain: Chain,
    epoch: u64,
    rejected: RejectedKeys<Offer>,
    rejected_acts: RejectedKeys<Asked>,
    remember_for: Span,
}

/// What a batch will make true, and whom to tell then.
pub(super) struct Pending {
    /// The span of the batch, if a bid in it is followed.
    pub span: tracing::Span,
    pub onto: Option<Head>,
    pub events: Vec<Event>,
    pub records: Vec<Record>,
    pub replies: Vec<Waiting>,
    /// To be appended though nothing happens in it.
    pub confirms: bool,
    /// What was refused on the state that this batch makes.
    pub refused: Refused,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            span: tracing::Span::none(),
            onto: None,
            events: Vec::new(),
            records: Vec::new(),
            replies: Vec::new(),
            confirms: false,
            refused: Refused::default(),
        }
    }
}

impl Pending {
    /// A followed bid is in this batch.
    pub(super) fn follows(&mut self, bid: &tracing::Span, auction: AuctionId) {
        if self.span.is_disabled() {
            self.span = trace::batch(bid, auction);
        } else {
            trace::joins(bid, &self.span);
        }
    }
}

/// Bids and acts that were refused, by who sent them under which key.
#[derive(Default)]
pub(super) struct Refused {
    bids: Vec<(AccountId, BidKey)>,
    acts: Vec<(AccountId, BidKey)>,
}

/// By what the answer to a command is found again in the log.
enum Named {
    Bid(AccountId, BidKey, Offer),
    Act(AccountId, BidKey, Asked),
}

impl Named {
    /// The name of what is asked, if it has a key.
    fn of(ask: &Ask) -> Option<Self> {
        match ask {
            Ask::Bid(bid, _) => Some(Self::Bid(bid.bidder, bid.key.clone(), bid.offer)),
            Ask::Act(act) => {
                act.clone().with(Vec::new()).keyed().map(|(by, key, asked)| Self::Act(by, key.clone(), asked))
            }
            Ask::Look | Ask::HandOver | Ask::Shutdown => None,
        }
    }
}

/// An answer that waits for the commit it rests on.
pub(super) struct Waiting {
    pub reply: Reply,
    pub answer: Result<Answer, Rejection>,
    /// What was asked, to find its answer again or to ask for it elsewhere, should the commit fail.
    pub again: Option<Ask>,
    pub entered: Timestamp,
    pub deadline: Timestamp,
    pub forwarded: bool,
}

impl Desk {
    pub(super) fn new(recovered: Recovered, epoch: u64, remember_for: Span) -> Self {
        let Recovered { state, chain, .. } = recovered;
        let (rejected, rejected_acts) = (RejectedKeys::default(), RejectedKeys::default());
        Self { state, chain, epoch, rejected, rejected_acts, remember_for }
    }

    /// Goes on from what the log says, forgetting what was decided ahead of it: what was `refused` on a state that never
    /// came to be must be decided anew.
    pub(super) fn restart(&mut self, recovered: Recovered, epoch: u64, refused: &Refused) {
        self.state = recovered.state;
        self.chain = recovered.chain;
        self.epoch = epoch;
        self.rejected.forget(&refused.bids);
        self.rejected_acts.forget(&refused.acts);
    }

    /// What the log says of something whose commit was not heard of.
    pub(super) fn found(&self, ask: &Ask) -> Result<Answer, Rejection> {
        let found = match Named::of(ask).ok_or(Rejection::Unavailable)? {
            Named::Bid(by, key, offer) => {
                self.state.remembered(by, &key).map(|first| (first.offer == offer, Answer::Verdict(first.verdict)))
            }
            Named::Act(by, key, asked) => {
                self.state.done(by, &key).map(|first| (first.asked == asked, Answer::Done(first.seq)))
            }
        };
        match found {
            Some((true, answer)) => Ok(answer),
            Some((false, _)) => Err(Rejection::KeyReused),
            None => Err(Rejection::Unavailable),
        }
    }

    /// Opens and closes what is due at `now`.
    pub(super) fn tick(&mut self, now: Timestamp, pending: &mut Pending) {
        while self.state.due_at().is_some_and(|due| due <= now) {
            if !matches!(self.decide(&Command::Tick, now, pending), Ok(1..)) {
                return;
            }
        }
    }

    /// Opens what was due before `outage` ended, without closing it, and gives the lost time back.
    pub(super) fn give_back(&mut self, outage: Outage, now: Timestamp, pending: &mut Pending) {
        use crate::domain::auction::Phase;
        if self.state.phase == Phase::Scheduled && self.state.terms.starts_at <= outage.until {
            let _ = self.decide(&Command::Tick, now, pending);
        }
        let _ = self.decide(&Command::Outage { from: outage.from, until: outage.until }, now, pending);
    }

    /// Decides a bid that entered at `now`, after what was set aside for it, if something was. A bid that was refused for
    /// want of funds is decided anew if more was set aside since; then the refusal was not the last word on it. A late copy
    /// of the bid as it first came has no raise, and one of an old raise none that is newer than the refusal.
    pub(super) fn bid(
        &mut self,
        bid: Bid,
        raise: Option<Raise>,
        now: Timestamp,
        pending: &mut Pending,
    ) -> Result<Answer, Rejection> {
        self.tick(now, pending);
        self.rejected.expire(now);
        if let Some(refusal) = self.rejected.get(bid.bidder, &bid.key, &bid.offer)
            && self.state.remembered(bid.bidder, &bid.key).is_none()
            && !refusal.is_lifted_by(raise)
        {
            return Err(refusal.rejection);
        }
        if let Some(Raise { amount, version }) = raise {
            // If it cannot be, the bid is decided on what stands: a newer allowance, or the end.
            let _ = self.decide(&Command::SetAllowance { bidder: bid.bidder, amount, version }, now, pending);
        }
        let command = Command::Bid(bid);
        let decided = self.decide(&command, now, pending);
        let Command::Bid(bid) = command else { return Err(Rejection::Unavailable) };
        match decided {
            Ok(_) => self.state.verdict(bid.bidder, &bid.key).map(Answer::Verdict).ok_or(Rejection::Unavailable),
            Err(rejection) => {
                let name = (bid.bidder, &bid.key);
                let known = self.state.bidder(bid.bidder).map_or(0, |known| known.allowance_version);
                let refusal = Refusal { rejection, allowance_version: raise.map_or(known, |it| it.version.max(known)) };
                if self.rejected.remember(name, bid.offer, refusal, now.plus(self.remember_for)) {
                    pending.refused.bids.push((bid.bidder, bid.key));
                }
                Err(rejection)
            }
        }
    }

    /// Decides an act that entered at `now`.
    pub(super) fn act(&mut self, act: &Command, now: Timestamp, pending: &mut Pending) -> Result<Answer, Rejection> {
        self.tick(now, pending);
        self.rejected_acts.expire(now);
        let Some((by, key, asked)) = act.keyed() else {
            return self.decide(act, now, pending).map(|_| Answer::Done(self.state.seq));
        };
        if let Some(refusal) = self.rejected_acts.get(by, key, &asked) {
            return Err(refusal.rejection);
        }
        match self.decide(act, now, pending) {
            Ok(_) => self.state.done(by, key).map(|done| Answer::Done(done.seq)).ok_or(Rejection::Unavailable),
            Err(rejection) => {
                if self.rejected_acts.remember((by, key), asked, rejection.into(), now.plus(self.remember_for)) {
                    pending.refused.acts.push((by, key.clone()));
                }
                Err(rejection)
            }
        }
    }

    /// Decides, applies and seals. Gives the number of events.
    fn decide(&mut self, command: &Command, now: Timestamp, pending: &mut Pending) -> Result<usize, Rejection> {
        let events = self.state.decide(command, now)?;
        pending.onto.get_or_insert(self.chain.head());
        let count = events.len();
        for event in events {
            pending.records.push(seal_event(&mut self.chain, self.epoch, &event, &self.state.terms));
            self.state.apply(&event);
            pending.events.push(event);
        }
        Ok(count)
    }

    pub(super) fn head(&self) -> Head {
        self.chain.head()
    }
}

impl Waiting {
    /// Gives the answer.
    pub(super) fn give(self) {
        self.reply.give(self.answer);
    }

    /// What was asked again, as it came, to be asked for elsewhere: its key makes that safe.
    pub(super) fn into_envelope(self) -> Option<Envelope> {
        let Self { reply, again, entered, deadline, forwarded, .. } = self;
        again.map(|ask| Envelope { ask, entered, deadline, reply, forwarded, trail: None })
    }
}
