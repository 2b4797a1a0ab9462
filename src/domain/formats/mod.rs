//! Auction formats: how bids are judged. Each format is a module of its own, and this enum is the only place that knows
//! them all. A format sees the standing of an auction and an offer; opening, closing, pausing, keys, bans and funds are
//! the same for every format and stand in [`crate::domain::auction`].

pub mod english;

pub use english::English;

use crate::domain::auction::{Judgement, Offer, PriorBid, Rejection, Standing, TermsError};
use crate::domain::{AccountId, Money, Span};

/// The format of an auction, with what it needs to judge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Format {
    /// Ascending, open, with proxy bids.
    English(English),
}

impl Format {
    /// Checks the format's own terms.
    pub fn validate(&self) -> Result<(), TermsError> {
        match self {
            Self::English(english) => english.validate(),
        }
    }

    /// The least that the next bid must offer.
    pub fn minimum_bid(&self, price: Option<Money>) -> Money {
        match self {
            Self::English(english) => english.minimum_bid(price),
        }
    }

    /// What becomes of an offer by `bidder`.
    pub fn judge(&self, standing: &Standing, bidder: AccountId, offer: Offer) -> Result<Judgement, Rejection> {
        match self {
            Self::English(english) => english.judge(standing, bidder, offer),
        }
    }

    /// The standing that `bids`, in order, lead to, each ceiling clipped by `clip`.
    pub fn recompute(&self, bids: &[PriorBid], clip: impl Fn(AccountId, Money) -> Money) -> Standing {
        match self {
            Self::English(english) => english.recompute(bids, clip),
        }
    }

    /// True if `price` satisfies the seller's hidden least price, or there is none.
    pub fn sells_at(&self, price: Money) -> bool {
        match self {
            Self::English(english) => english.reserve.is_none_or(|reserve| price >= reserve),
        }
    }

    /// The hidden least price.
    pub fn reserve(&self) -> Option<Money> {
        match self {
            Self::English(english) => english.reserve,
        }
    }

    /// The price at which the lot can be bought at once, as things stand.
    pub fn buy_now(&self, standing: &Standing) -> Option<Money> {
        match self {
            Self::English(english) => english.buy_now_offered(standing),
        }
    }

    /// The price at which the lot can be bought at once, whether or not it still can.
    pub fn buy_now_price(&self) -> Option<Money> {
        match self {
            Self::English(english) => english.buy_now,
        }
    }

    /// The rule by which a late bid moves the end.
    pub fn soft_close(&self) -> Option<SoftClose> {
        match self {
            Self::English(english) => english.soft_close,
        }
    }
}

/// A bid accepted within `window` of the end moves the end to `extension` after itself, in total by `max_total` at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoftClose {
    /// How long before the end it begins.
    pub window: Span,
    /// How long after the bid the end will be.
    pub extension: Span,
    /// How far the end may move in all.
    pub max_total: Span,
}
