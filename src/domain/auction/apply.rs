//! Applying: a fact becomes state. No check, no choice that could fail; the same code runs live, in mirrors, in
//! recovery and in audits.

use super::event::{BidPlaced, BidVoided};
use super::state::planned_cap;
use super::*;
use crate::domain::{Span, Timestamp};

impl State {
    /// Takes `event` in.
    pub fn apply(&mut self, event: &Event) {
        self.seq = event.seq;
        self.last_at = event.at;
        if let Some((by, key, asked)) = event.kind.keyed() {
            self.acts.remember(KeyedAct { by, key, asked, at: event.at, seq: event.seq });
        }
        match &event.kind {
            EventKind::Opened { .. } => self.phase = Phase::Open,
            EventKind::Bid(bid) => self.apply_bid(event, bid),
            EventKind::ReserveMet { .. } => self.standing.reserve_met = true,
            EventKind::Extended { ends_at, cause } => {
                if *cause == ExtensionCause::Outage {
                    self.cap = self.cap.plus(ends_at.since(self.ends_at));
                }
                self.ends_at = *ends_at;
                self.phase = Phase::Open;
            }
            EventKind::Paused { time_left, .. } => self.phase = Phase::Paused { time_left: *time_left },
            EventKind::Resumed { ends_at, .. } => self.resume(*ends_at),
            EventKind::Suspended { .. } => self.phase = Phase::Suspended,
            EventKind::BidVoided(void) => self.apply_void(void),
            EventKind::Stopped { .. } => self.phase = Phase::Stopped,
            EventKind::Ended { outcome, winner, .. } => {
                self.phase = Phase::Ended { outcome: *outcome, winner: *winner };
            }
            EventKind::Amended { terms, .. } => {
                self.amended = event.seq;
                self.amend(terms, event.at);
            }
            EventKind::AllowanceSet { bidder, amount, version } => {
                let bidder = self.bidders.entry(*bidder).or_default();
                bidder.allowance = *amount;
                bidder.allowance_version = *version;
            }
        }
    }

    fn apply_bid(&mut self, event: &Event, bid: &BidPlaced) {
        self.ever_bid = true;
        self.aliases = self.aliases.max(bid.alias);
        let standing = &mut self.standing;
        if bid.leading {
            standing.leader = Some(Leader { account: bid.bidder, alias: bid.alias, ceiling: bid.ceiling });
        }
        standing.price = Some(bid.price);
        standing.bid_count = bid.bid_count;
        let verdict = Verdict {
            seq: event.seq,
            leading: bid.leading,
            price: bid.price,
            minimum_bid: bid.minimum_bid,
            your_max: bid.ceiling,
        };
        let bidder = self.bidders.entry(bid.bidder).or_default();
        bidder.alias = Some(bid.alias);
        bidder.max = Some(bid.ceiling);
        bidder.keys.remember(bid.key.clone(), Remembered { offer: bid.offer, at: event.at, verdict });
    }

    fn apply_void(&mut self, void: &BidVoided) {
        self.standing = Standing {
            leader: void.leader,
            price: void.price,
            bid_count: void.bid_count,
            reserve_met: void.reserve_met,
        };
        self.bidders.entry(void.bidder).or_default().max = void.bidder_max;
    }

    /// A new planned end holds as it stands. Where the plan is kept, so is what pauses and outages have given back.
    fn amend(&mut self, terms: &Terms, at: Timestamp) {
        let moved = self.ends_at.since(self.terms.ends_at);
        let replanned = terms.ends_at != self.terms.ends_at;
        self.terms = terms.clone();
        self.cap = planned_cap(terms);
        if !replanned {
            self.cap = self.cap.plus(moved);
            return;
        }
        self.ends_at = terms.ends_at;
        if let Phase::Paused { time_left } = &mut self.phase {
            *time_left = self.ends_at.since(at);
        }
    }

    /// The end and its cap move by as long as the pause has lasted.
    fn resume(&mut self, ends_at: Timestamp) {
        let moved: Span = ends_at.since(self.ends_at);
        self.cap = self.cap.plus(moved);
        self.ends_at = ends_at;
        self.phase = Phase::Open;
    }
}
