//! What happened in an auction. An event is a fact: it carries every result of the decision, so that applying it needs
//! no judgement. What of it the public may see is [`super::view::PublicEvent`].

use std::sync::Arc;

use super::command::Offer;
use super::terms::{Listing, Terms};
use crate::domain::{AccountId, BidKey, Money, Seq, Span, Timestamp};

/// One fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its number within the auction.
    pub seq: Seq,
    /// When it was decided; never before the one before.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Bidding opened.
    Opened {
        /// The planned end.
        ends_at: Timestamp,
    },
    /// A bid was accepted.
    Bid(BidPlaced),
    /// The price reached the reserve.
    ReserveMet {
        /// The price.
        price: Money,
    },
    /// The end moved.
    Extended {
        /// The new end.
        ends_at: Timestamp,
        /// Why.
        cause: ExtensionCause,
    },
    /// Staff halted the bidding.
    Paused {
        /// Who.
        by: AccountId,
        /// The name that the caller gave to this act.
        key: Option<BidKey>,
        /// Why.
        reason: Arc<str>,
        /// The time that was left.
        time_left: Span,
    },
    /// Bidding goes on.
    Resumed {
        /// Who.
        by: AccountId,
        /// The name that the caller gave to this act.
        key: Option<BidKey>,
        /// Why, if they said so.
        reason: Option<Arc<str>>,
        /// The new end.
        ends_at: Timestamp,
    },
    /// Bids could not be decided from `since` to `until`. The extension follows at once.
    Suspended {
        /// The last moment at which they surely could.
        since: Timestamp,
        /// The moment of recovery.
        until: Timestamp,
    },
    /// A bid no longer counts.
    BidVoided(BidVoided),
    /// The auction was ended for good, without a sale.
    Stopped {
        /// Who.
        by: AccountId,
        /// The name that the caller gave to this act.
        key: Option<BidKey>,
        /// Why.
        reason: Arc<str>,
    },
    /// The auction ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// The price paid, if sold.
        price: Option<Money>,
        /// Who won, if sold.
        winner: Option<Winner>,
    },
    /// The seller changed what is offered.
    Amended {
        /// Who.
        by: AccountId,
        /// The name that the caller gave to this act.
        key: Option<BidKey>,
        /// The new terms.
        terms: Box<Terms>,
        /// The new words.
        listing: Box<Listing>,
    },
    /// What a bidder has set aside changed.
    AllowanceSet {
        /// Whose.
        bidder: AccountId,
        /// To what.
        amount: Money,
        /// The version of the hold.
        version: u64,
    },
}

/// An accepted bid with everything it led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BidPlaced {
    /// Who bid.
    pub bidder: AccountId,
    /// The bidder's public number.
    pub alias: u32,
    /// The bidder's own name for the bid.
    pub key: BidKey,
    /// What was offered.
    pub offer: Offer,
    /// The ceiling that the offer amounts to.
    pub ceiling: Money,
    /// What the bid visibly reached.
    pub amount: Money,
    /// True if the bidder leads now.
    pub leading: bool,
    /// The public number of who leads now.
    pub leader: u32,
    /// The price now.
    pub price: Money,
    /// The least that the next bid must offer.
    pub minimum_bid: Money,
    /// How many bids count now.
    pub bid_count: u32,
    /// The end as it stood when the bid was decided.
    pub ends_at: Timestamp,
}

/// A void with the standing that it leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BidVoided {
    /// Who voided.
    pub by: AccountId,
    /// The name that the caller gave to this act.
    pub key: Option<BidKey>,
    /// Why.
    pub reason: Arc<str>,
    /// The bid that no longer counts.
    pub voided: Seq,
    /// Whose it was.
    pub bidder: AccountId,
    /// The public number of that bidder.
    pub alias: u32,
    /// The highest ceiling that this bidder still has in the race.
    pub bidder_max: Option<Money>,
    /// Who leads now.
    pub leader: Option<super::state::Leader>,
    /// The price now.
    pub price: Option<Money>,
    /// The least that the next bid must offer.
    pub minimum_bid: Money,
    /// How many bids count now.
    pub bid_count: u32,
    /// Whether the price still reaches the reserve.
    pub reserve_met: bool,
}

/// Why an end moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExtensionCause {
    /// A bid in the closing window.
    SoftClose,
    /// Time in which bids could not be decided was given back.
    Outage,
}

/// How an auction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// To the leader at the price.
    Sold,
    /// No bid, or the reserve was not reached.
    Unsold,
    /// To the bidder who took the buy-now price.
    BoughtNow,
}

/// Who won.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Winner {
    /// The account.
    pub account: AccountId,
    /// The public number.
    pub alias: u32,
}
