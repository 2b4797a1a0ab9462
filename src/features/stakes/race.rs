//! The race for one auction as its people are told of it: folding an event in says who stands how now, and whom that
//! concerns. It copies what events carry and judges nothing.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::notes::{Teller, number};
use super::store::{RaceRow, StakeRow};
use crate::clock::to_datetime;
use crate::domain::auction::{BidPlaced, BidVoided, Event, EventKind, ExtensionCause, Offer, Outcome};
use crate::domain::{AccountId, Money, Timestamp};

/// How a bidder stands.
pub(super) mod standing {
    /// Leads.
    pub const LEADING: &str = "leading";
    /// Does not.
    pub const OUTBID: &str = "outbid";
    /// Staff has taken all bids out.
    pub const VOID: &str = "void";
    /// Won.
    pub const WON: &str = "won";
    /// Did not win.
    pub const LOST: &str = "lost";
    /// The auction was stopped.
    pub const STOPPED: &str = "stopped";
    /// All of them.
    pub const ALL: [&str; 6] = [LEADING, OUTBID, VOID, WON, LOST, STOPPED];
}

use standing::{LEADING, OUTBID, VOID};

/// A race, with those of its bidders whom the events at hand concern.
#[derive(Debug)]
pub(super) struct Race {
    pub row: RaceRow,
    /// The event up to which the row was read.
    pub from: i64,
    pub stakes: HashMap<Uuid, StakeRow>,
    changed: BTreeSet<Uuid>,
    /// How it ended, if one of the events at hand says so.
    pub end: Option<End>,
}

/// How a race ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// The number of the event.
    pub seq: u64,
    pub at: Timestamp,
    pub how: How,
}

/// See [`End`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    Sold { winner: AccountId, price: Option<Money> },
    Unsold,
    Stopped { by: AccountId, reason: String },
}

/// The bidders of an auction whom an event concerns, beside who leads.
pub(super) fn concerned(event: &Event) -> impl Iterator<Item = Uuid> {
    let (one, other) = match &event.kind {
        EventKind::Bid(bid) => (Some(bid.bidder), None),
        EventKind::BidVoided(void) => (Some(void.bidder), void.leader.map(|leader| leader.account)),
        _ => (None, None),
    };
    one.into_iter().chain(other).map(|account| account.0)
}

impl Race {
    pub(super) fn new(row: RaceRow) -> Self {
        Self { from: row.seq, row, stakes: HashMap::new(), changed: BTreeSet::new(), end: None }
    }

    /// The stakes that have changed.
    pub(super) fn changed(&self) -> impl Iterator<Item = &StakeRow> {
        self.changed.iter().filter_map(|bidder| self.stakes.get(bidder))
    }

    /// Takes the next event in, and tells whom it concerns.
    pub(super) fn fold(&mut self, event: &Event, teller: &mut Teller) {
        self.row.seq = number(event.seq);
        match &event.kind {
            EventKind::Opened { ends_at } => self.goes_on_until(*ends_at),
            EventKind::Bid(bid) => self.bid(event, bid, teller),
            EventKind::Extended { ends_at, cause: ExtensionCause::Outage } => self.goes_on_until(*ends_at),
            EventKind::Extended { ends_at, .. } => self.row.ends_at = to_datetime(*ends_at),
            EventKind::Paused { .. } => self.set_status("paused"),
            EventKind::Resumed { ends_at, .. } => self.goes_on_until(*ends_at),
            EventKind::Suspended { .. } => self.set_status("suspended"),
            EventKind::BidVoided(void) => self.void(event, void, teller),
            EventKind::Stopped { by, reason, .. } => {
                self.set_status("stopped");
                self.ended(event, How::Stopped { by: *by, reason: reason.to_string() });
            }
            EventKind::Ended { outcome, price, winner } => {
                self.set_status("ended");
                let how = match winner {
                    Some(winner) if *outcome != Outcome::Unsold => How::Sold { winner: winner.account, price: *price },
                    _ => How::Unsold,
                };
                self.ended(event, how);
            }
            EventKind::Amended { terms, listing, .. } => {
                self.row.title = listing.title.to_string();
                let planned_end = to_datetime(terms.ends_at);
                if planned_end != self.row.planned_end {
                    (self.row.planned_end, self.row.ends_at) = (planned_end, planned_end);
                }
            }
            EventKind::ReserveMet { .. } | EventKind::AllowanceSet { .. } => {}
        }
    }

    fn bid(&mut self, event: &Event, bid: &BidPlaced, teller: &mut Teller) {
        self.row.price = Some(bid.price.minor_units());
        let bidder = bid.bidder.0;
        let stake = self.stakes.entry(bidder).or_insert_with(|| StakeRow::new(self.row.auction, bidder, bid.alias));
        stake.ceiling = Some(bid.ceiling.minor_units());
        stake.bids += 1;
        (stake.last_seq, stake.last_at) = (number(event.seq), to_datetime(event.at));
        self.stands(bidder, if bid.leading { LEADING } else { OUTBID });
        // The end follows a purchase at once, and says what it means to everyone.
        let is_news = bid.offer != Offer::BuyNow;
        if !bid.leading {
            if is_news {
                teller.outbid(&self.row, event, bid.bidder);
            }
            return;
        }
        let before = self.row.leader.replace(bidder);
        if before == Some(bidder) {
            return;
        }
        if let Some(before) = before {
            self.stands(before, OUTBID);
            if is_news {
                teller.outbid(&self.row, event, AccountId(before));
            }
        }
        if is_news {
            teller.winning(&self.row, event, bid.bidder);
        }
    }

    fn void(&mut self, event: &Event, void: &BidVoided, teller: &mut Teller) {
        self.row.price = void.price.map(Money::minor_units);
        let leader = void.leader.map(|leader| leader.account.0);
        let before = std::mem::replace(&mut self.row.leader, leader);
        let bidder = void.bidder.0;
        if let Some(stake) = self.stakes.get_mut(&bidder) {
            stake.bids -= 1;
            stake.ceiling = void.bidder_max.map(Money::minor_units);
        }
        self.stands(bidder, if void.bidder_max.is_some() { OUTBID } else { VOID });
        teller.voided(&self.row, event, void);
        if let Some(before) = before.filter(|before| leader != Some(*before) && *before != bidder) {
            self.stands(before, OUTBID);
            teller.outbid(&self.row, event, AccountId(before));
        }
        let Some(leader) = void.leader else { return };
        if let Some(stake) = self.stakes.get_mut(&leader.account.0) {
            stake.ceiling = Some(leader.ceiling.minor_units());
        }
        self.stands(leader.account.0, LEADING);
        if before != Some(leader.account.0) {
            teller.winning(&self.row, event, leader.account);
        }
    }

    fn ended(&mut self, event: &Event, how: How) {
        self.end = Some(End { seq: event.seq.0, at: event.at, how });
    }

    fn stands(&mut self, bidder: Uuid, standing: &'static str) {
        if let Some(stake) = self.stakes.get_mut(&bidder) {
            stake.standing = standing.to_owned();
            self.changed.insert(bidder);
        }
    }

    fn goes_on_until(&mut self, ends_at: Timestamp) {
        self.row.ends_at = to_datetime(ends_at);
        self.set_status("open");
    }

    fn set_status(&mut self, status: &'static str) {
        self.row.status = status.to_owned();
    }
}
