//! Auditing a log: every fact is decided anew from what was asked, and must come out as it stands there.

use std::collections::VecDeque;

use super::*;
use crate::domain::Seq;

/// An audit in progress: the state so far, and the facts that the last decision still owes.
#[derive(Debug)]
pub struct Audit {
    state: State,
    owed: VecDeque<Event>,
    bids: Vec<PriorBid>,
}

/// The first fact that the rules do not give.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("event {seq}: {detail}")]
pub struct Divergence {
    /// Its number.
    pub seq: Seq,
    /// What is wrong with it.
    pub detail: String,
}

impl Audit {
    /// An audit of an auction held on `terms`.
    pub fn new(terms: Terms) -> Self {
        Self { state: State::new(terms), owed: VecDeque::new(), bids: Vec::new() }
    }

    /// Checks the next event of the log.
    pub fn check(&mut self, event: &Event) -> Result<(), Divergence> {
        let diverges = |detail: String| Err(Divergence { seq: event.seq, detail });
        if event.seq != self.state.seq.next() {
            return diverges(format!("follows {}, so it should be {}", self.state.seq, self.state.seq.next()));
        }
        if event.at < self.state.last_at {
            return diverges("is dated before the one it follows".to_owned());
        }
        if self.owed.is_empty() {
            let Some(command) = self.asked_for(event) else {
                return diverges("stands alone, though it only ever follows another".to_owned());
            };
            match self.state.decide(&command, event.at) {
                Ok(events) => self.owed.extend(events),
                Err(rejection) => return diverges(format!("the rules refuse it: {}", rejection.code())),
            }
        }
        match self.owed.pop_front() {
            Some(expected) if expected == *event => {}
            Some(expected) => return diverges(format!("the rules give {:?}, not {:?}", expected.kind, event.kind)),
            None => return diverges("the rules give nothing here".to_owned()),
        }
        if let EventKind::Bid(bid) = &event.kind {
            self.bids.push(PriorBid { seq: event.seq, bidder: bid.bidder, alias: bid.alias, offer: bid.offer });
        }
        if let EventKind::BidVoided(void) = &event.kind {
            self.bids.retain(|bid| bid.seq != void.voided);
        }
        self.state.apply(event);
        Ok(())
    }

    /// The state after everything checked, once the log is read to its end.
    pub fn finish(self) -> Result<State, Divergence> {
        match self.owed.front() {
            None => Ok(self.state),
            Some(missing) => Err(Divergence { seq: missing.seq, detail: format!("is missing: {:?}", missing.kind) }),
        }
    }

    /// What must have been asked for `event` to happen; none for facts that only follow others.
    fn asked_for(&self, event: &Event) -> Option<Command> {
        Some(match &event.kind {
            EventKind::Opened { .. } | EventKind::Ended { .. } => Command::Tick,
            EventKind::Suspended { since, until } => Command::Outage { from: *since, until: *until },
            EventKind::ReserveMet { .. } | EventKind::Extended { .. } => return None,
            EventKind::Bid(bid) => {
                let (bidder, key, offer) = (bid.bidder, bid.key.clone(), bid.offer);
                Command::Bid(Bid { bidder, barred: None, key, offer })
            }
            EventKind::Paused { by, key, reason, .. } => {
                Command::Pause { by: *by, key: key.clone(), reason: reason.clone() }
            }
            EventKind::Resumed { by, key, reason, .. } => {
                Command::Resume { by: *by, key: key.clone(), reason: reason.clone() }
            }
            EventKind::Stopped { by, key, reason } => {
                Command::Stop { by: *by, key: key.clone(), reason: reason.clone(), only_without_bids: false }
            }
            EventKind::BidVoided(void) => {
                let (by, key, reason, seq) = (void.by, void.key.clone(), void.reason.clone(), void.voided);
                Command::Void { by, key, reason, seq, bids: self.bids.clone() }
            }
            EventKind::Amended { by, key, terms, listing } => {
                let (terms, listing) = (terms.clone(), listing.clone());
                Command::Amend { by: *by, key: key.clone(), terms, listing, over: None }
            }
            EventKind::AllowanceSet { bidder, amount, version } => {
                Command::SetAllowance { bidder: *bidder, amount: *amount, version: *version }
            }
        })
    }
}
