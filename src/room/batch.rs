//! The deciding part of a room: from what was asked to sealed records and answers. It awaits nothing and tells nobody;
//! what it has decided is only true once the actor has committed it.

use super::handle::{Act, Answer, Ask, Envelope, InFlight, Reply};
use super::recovery::Recovered;
use super::rejected::RejectedKeys;
use crate::domain::auction::{Bid, Command, Event, PriorBid, Rejection, State};
use crate::domain::{AccountId, BidKey, Span, Timestamp};
use crate::journal::record::seal_event;
use crate::journal::{Chain, Head, Outage, Record};

/// The state as decided so far, ahead of what is committed by at most one batch.
pub(super) struct Desk {
    pub state: State,
    chain: Chain,
    epoch: u64,
    rejected: RejectedKeys,
    remember_for: Span,
}

/// What a batch will make true, and whom to tell then.
#[derive(Default)]
pub(super) struct Pending {
    pub onto: Option<Head>,
    pub events: Vec<Event>,
    pub records: Vec<Record>,
    pub replies: Vec<Waiting>,
    /// To be appended though nothing happens in it.
    pub confirms: bool,
    /// What was refused on the state that this batch makes.
    pub refused: Vec<(AccountId, BidKey)>,
}

/// An answer that waits for the commit it rests on.
pub(super) struct Waiting {
    pub reply: Reply,
    pub answer: Result<Answer, Rejection>,
    /// The bid, to find its verdict again or to ask for it elsewhere, should the commit fail.
    pub bid: Option<Bid>,
    pub entered: Timestamp,
    pub deadline: Timestamp,
    pub forwarded: bool,
    /// Counts the bid as in flight until it is answered.
    pub _slot: Option<InFlight>,
}

impl Desk {
    pub(super) fn new(recovered: Recovered, epoch: u64, remember_for: Span) -> Self {
        let Recovered { state, chain, .. } = recovered;
        Self { state, chain, epoch, rejected: RejectedKeys::default(), remember_for }
    }

    /// Goes on from what the log says, forgetting what was decided ahead of it: what was `refused` on a state that never
    /// came to be must be decided anew.
    pub(super) fn restart(&mut self, recovered: Recovered, epoch: u64, refused: &[(AccountId, BidKey)]) {
        self.state = recovered.state;
        self.chain = recovered.chain;
        self.epoch = epoch;
        self.rejected.forget(refused);
    }

    /// What the log says of a bid whose commit was not heard of.
    pub(super) fn found(&self, bid: &Bid) -> Result<Answer, Rejection> {
        match self.state.remembered(bid.bidder, &bid.key) {
            Some(first) if first.offer == bid.offer => Ok(Answer::Verdict(first.verdict)),
            Some(_) => Err(Rejection::KeyReused),
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

    /// Decides a bid that entered at `now`.
    pub(super) fn bid(&mut self, bid: Bid, now: Timestamp, pending: &mut Pending) -> Result<Answer, Rejection> {
        self.tick(now, pending);
        self.rejected.expire(now);
        if let Some(rejection) = self.rejected.get(&bid) {
            return Err(rejection);
        }
        let command = Command::Bid(bid);
        let decided = self.decide(&command, now, pending);
        let Command::Bid(bid) = command else { return Err(Rejection::Unavailable) };
        match decided {
            Ok(_) => self.state.verdict(bid.bidder, &bid.key).map(Answer::Verdict).ok_or(Rejection::Unavailable),
            Err(rejection) => {
                if self.rejected.remember(&bid, rejection, now.plus(self.remember_for)) {
                    pending.refused.push((bid.bidder, bid.key));
                }
                Err(rejection)
            }
        }
    }

    /// Decides an act; `bids` are those that count, which only a void needs.
    pub(super) fn act(
        &mut self,
        act: Act,
        bids: Vec<PriorBid>,
        now: Timestamp,
        pending: &mut Pending,
    ) -> Result<Answer, Rejection> {
        self.tick(now, pending);
        let command = match act {
            Act::Pause { by, reason } => Command::Pause { by, reason },
            Act::Resume { by } => Command::Resume { by },
            Act::Stop { by, reason, only_without_bids } => Command::Stop { by, reason, only_without_bids },
            Act::Void { by, reason, seq } => Command::Void { by, reason, seq, bids },
            Act::Amend { by, terms, listing } => Command::Amend { by, terms, listing },
            Act::SetAllowance { bidder, amount, version } => Command::SetAllowance { bidder, amount, version },
        };
        self.decide(&command, now, pending)?;
        Ok(Answer::Done(self.state.seq))
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

    /// The bid again, as it came, to be asked for elsewhere: its key makes that safe. What is not a bid is answered
    /// `unavailable` as its reply is dropped.
    pub(super) fn into_envelope(self) -> Option<Envelope> {
        let Self { reply, bid, entered, deadline, forwarded, _slot, .. } = self;
        bid.map(|bid| Envelope { ask: Ask::Bid(bid), entered, deadline, reply, forwarded, _slot })
    }
}
