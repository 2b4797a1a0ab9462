//! What is true of an auction after its events so far. Its size grows with the bidders, not with the bids.

use std::collections::HashMap;

use super::{ActMemory, KeyMemory, KeyedAct, Offer, Outcome, Remembered, Terms, Verdict, Winner};
use crate::domain::hashing::ById;
use crate::domain::{AccountId, BidKey, Money, Seq, Span, Timestamp};

/// The state of an auction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// What it is held on.
    pub terms: Terms,
    /// The number of the last event.
    pub seq: Seq,
    /// The number of the last amendment; 0 if the terms are as they were at first.
    pub amended: Seq,
    /// When the last event was decided.
    pub last_at: Timestamp,
    /// Where in its life it is.
    pub phase: Phase,
    /// The end as it stands now.
    pub ends_at: Timestamp,
    /// How far a soft close may move the end.
    pub cap: Timestamp,
    /// The race.
    pub standing: Standing,
    /// True once a bid was accepted, even if it was voided.
    pub ever_bid: bool,
    /// How many bidders have a public number.
    pub aliases: u32,
    pub(super) acts: ActMemory,
    pub(super) bidders: HashMap<AccountId, Bidder, ById>,
}

/// Where in its life an auction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Bidding has not opened.
    Scheduled,
    /// Bidding is open.
    Open,
    /// Staff halted it with this much time left.
    Paused {
        /// The time that will be left on resuming.
        time_left: Span,
    },
    /// Bids cannot be decided; the extension is about to follow.
    Suspended,
    /// It is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// Who won, if sold.
        winner: Option<Winner>,
    },
    /// It was stopped for good.
    Stopped,
}

/// The race: who leads, at which price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Who leads; none before the first bid.
    pub leader: Option<Leader>,
    /// What the leader would pay now; there is one exactly if there is a leader.
    pub price: Option<Money>,
    /// How many bids count.
    pub bid_count: u32,
    /// Whether the price has reached the reserve (false where there is none).
    pub reserve_met: bool,
}

/// Who leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leader {
    /// The account.
    pub account: AccountId,
    /// The public number.
    pub alias: u32,
    /// Up to what the hub bids for it.
    pub ceiling: Money,
}

/// What a format makes of an offer that may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// Whether the bidder leads with it.
    pub leading: bool,
    /// The ceiling that it amounts to.
    pub ceiling: Money,
    /// What it visibly reached.
    pub amount: Money,
    /// The price after it.
    pub price: Money,
}

/// What is known of one bidder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bidder {
    /// The public number, from the first accepted bid on.
    pub alias: Option<u32>,
    /// The highest ceiling of a bid that counts.
    pub max: Option<Money>,
    /// What is set aside for this auction.
    pub allowance: Money,
    /// The version of the hold that said so.
    pub allowance_version: u64,
    /// The accepted keys.
    pub keys: KeyMemory,
}

impl State {
    /// The state before the first event.
    pub fn new(terms: Terms) -> Self {
        let (ends_at, cap) = (terms.ends_at, planned_cap(&terms));
        Self {
            terms,
            seq: Seq::default(),
            amended: Seq::default(),
            last_at: Timestamp::default(),
            phase: Phase::Scheduled,
            ends_at,
            cap,
            standing: Standing::default(),
            ever_bid: false,
            aliases: 0,
            acts: ActMemory::default(),
            bidders: HashMap::default(),
        }
    }

    /// A bidder, once it has bid or set money aside.
    pub fn bidder(&self, account: AccountId) -> Option<&Bidder> {
        self.bidders.get(&account)
    }

    /// Every bidder, in no order.
    pub fn bidders(&self) -> impl Iterator<Item = (AccountId, &Bidder)> {
        self.bidders.iter().map(|(&account, bidder)| (account, bidder))
    }

    /// Puts a bidder back that a snapshot holds.
    pub fn restore_bidder(&mut self, account: AccountId, bidder: Bidder) {
        self.bidders.insert(account, bidder);
    }

    /// What was accepted under this key.
    pub fn remembered(&self, bidder: AccountId, key: &BidKey) -> Option<&Remembered> {
        self.bidders.get(&bidder)?.keys.get(key)
    }

    /// The verdict that an accepted bid got, for its first and for every later asking.
    pub fn verdict(&self, bidder: AccountId, key: &BidKey) -> Option<Verdict> {
        self.remembered(bidder, key).map(|remembered| remembered.verdict)
    }

    /// The act that was done under this key, for its first and for every later asking.
    pub fn done(&self, by: AccountId, key: &BidKey) -> Option<&KeyedAct> {
        self.acts.get(by, key)
    }

    /// The acts in memory that came with a key, oldest first.
    pub fn acts(&self) -> impl Iterator<Item = &KeyedAct> {
        self.acts.iter()
    }

    /// Puts an act back that a snapshot holds; the oldest comes first.
    pub fn restore_act(&mut self, act: KeyedAct) {
        self.acts.remember(act);
    }

    /// The least that the next bid must offer.
    pub fn minimum_bid(&self) -> Money {
        self.terms.format.minimum_bid(self.standing.price)
    }

    /// When something falls due by itself: the opening, then the end.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Scheduled => Some(self.terms.starts_at),
            Phase::Open | Phase::Suspended => Some(self.ends_at),
            Phase::Paused { .. } | Phase::Ended { .. } | Phase::Stopped => None,
        }
    }

    /// True if nothing more can happen.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. } | Phase::Stopped)
    }

    /// How much there is to write down, counted in remembered keys, acts and bidders.
    pub fn weight(&self) -> usize {
        self.acts.len() + self.bidders.values().map(|bidder| 1 + bidder.keys.len()).sum::<usize>()
    }

    /// Up to what a bidder may go here: `ceiling` itself, or what is set aside if that is less.
    pub(super) fn clip(&self, account: AccountId, ceiling: Money) -> Money {
        match self.terms.funds {
            super::Funds::None => ceiling,
            super::Funds::Required => ceiling.min(self.bidder(account).map_or(Money::ZERO, |it| it.allowance)),
        }
    }
}

/// How far the end may move by late bids, as planned.
pub(super) fn planned_cap(terms: &Terms) -> Timestamp {
    terms.format.soft_close().map_or(terms.ends_at, |soft| terms.ends_at.plus(soft.max_total))
}

impl Offer {
    /// The amount that the offer names; buy-now names none.
    pub fn amount(self) -> Option<Money> {
        match self {
            Self::Straight(amount) | Self::Max(amount) => Some(amount),
            Self::BuyNow => None,
        }
    }
}
