//! What can be asked of an auction.

use std::sync::Arc;

use super::acts::Asked;
use super::terms::{Listing, Terms};
use crate::domain::{AccountId, BidKey, Money, Seq, Timestamp};

/// A request to change an auction, with every fact that its decision needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// A bidder offers.
    Bid(Bid),
    /// Time has passed: open or close what is due.
    Tick,
    /// Bids could not be decided for a while; now they can again.
    Outage {
        /// The last moment at which they surely could.
        from: Timestamp,
        /// The moment of recovery. Lost time counts on until the decision, which follows at once.
        until: Timestamp,
    },
    /// Staff halt the bidding for a while.
    Pause {
        /// Who.
        by: AccountId,
        /// The caller's own name for this act, if it has one.
        key: Option<BidKey>,
        /// Why, for everyone to read.
        reason: Arc<str>,
    },
    /// Staff let it go on, with the time that was left.
    Resume {
        /// Who.
        by: AccountId,
        /// The caller's own name for this act, if it has one.
        key: Option<BidKey>,
        /// Why, for everyone to read, if they say so.
        reason: Option<Arc<str>>,
    },
    /// Staff (or, before the first bid, the seller) end it for good.
    Stop {
        /// Who.
        by: AccountId,
        /// The caller's own name for this act, if it has one.
        key: Option<BidKey>,
        /// Why, for everyone to read.
        reason: Arc<str>,
        /// Refuse if anyone has bid.
        only_without_bids: bool,
    },
    /// Staff take a bid out of the race.
    Void {
        /// Who.
        by: AccountId,
        /// The caller's own name for this act, if it has one.
        key: Option<BidKey>,
        /// Why, for everyone to read.
        reason: Arc<str>,
        /// The bid.
        seq: Seq,
        /// Every bid that counts, in order, the one to void included.
        bids: Vec<PriorBid>,
    },
    /// The seller changes what is offered, before the first bid.
    Amend {
        /// Who.
        by: AccountId,
        /// The caller's own name for this act, if it has one.
        key: Option<BidKey>,
        /// The new terms, whole.
        terms: Box<Terms>,
        /// The new words, whole.
        listing: Box<Listing>,
        /// The amendment (0: the creation) that the new ones were made from; refused if there is a later one by now. None:
        /// from whichever is in force.
        over: Option<Seq>,
    },
    /// The money set aside for a bidder here has changed.
    SetAllowance {
        /// Whose.
        bidder: AccountId,
        /// To what.
        amount: Money,
        /// The version of the hold; an older one is refused.
        version: u64,
    },
}

impl Command {
    /// The account, key and content of an act that came with a key.
    pub fn keyed(&self) -> Option<(AccountId, &BidKey, Asked)> {
        let (by, key, asked) = match self {
            Self::Pause { by, key, reason } => (by, key, Asked::Pause { reason: reason.clone() }),
            Self::Resume { by, key, reason } => (by, key, Asked::Resume { reason: reason.clone() }),
            Self::Stop { by, key, reason, .. } => (by, key, Asked::Stop { reason: reason.clone() }),
            Self::Void { by, key, reason, seq, .. } => (by, key, Asked::Void { reason: reason.clone(), seq: *seq }),
            Self::Amend { by, key, .. } => (by, key, Asked::Amend),
            Self::Bid(_) | Self::Tick | Self::Outage { .. } | Self::SetAllowance { .. } => return None,
        };
        key.as_ref().map(|key| (*by, key, asked))
    }
}

/// A bid as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bid {
    /// Who bids.
    pub bidder: AccountId,
    /// Why the account could not bid at all when the bid was sent, if so.
    pub barred: Option<Barred>,
    /// The bidder's own name for this bid.
    pub key: BidKey,
    /// What is offered.
    pub offer: Offer,
}

/// Why an account cannot bid at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barred {
    /// Staff has banned it.
    Banned,
    /// Staff has frozen its money.
    Frozen,
}

/// What a bidder offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Exactly this amount.
    Straight(Money),
    /// As little as leads, up to this ceiling.
    Max(Money),
    /// The buy-now price, whatever it is.
    BuyNow,
}

/// A bid accepted earlier, read back from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriorBid {
    /// Its number.
    pub seq: Seq,
    /// Who.
    pub bidder: AccountId,
    /// The public number of the bidder.
    pub alias: u32,
    /// What was offered.
    pub offer: Offer,
}
