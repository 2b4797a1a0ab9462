//! Why something was refused. The codes are part of the contract with clients and never change.

use crate::domain::Money;

/// A refusal. What carries data carries what the asker needs to try better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// Below the minimum.
    BidTooLow {
        /// The least that would do.
        minimum: Money,
    },
    /// Bidding has not opened.
    AuctionNotOpen,
    /// The end has passed.
    AuctionClosed,
    /// Staff paused the auction.
    AuctionPaused,
    /// Staff stopped the auction for good.
    AuctionStopped,
    /// Sellers cannot bid on what they sell.
    OwnAuction,
    /// The account is banned.
    Banned,
    /// The account's money is frozen.
    AccountFrozen,
    /// Above what the bidder has set aside for this auction.
    InsufficientFunds {
        /// What is set aside.
        allowance: Money,
    },
    /// The leader's new ceiling is not above the present one.
    MaxNotRaised {
        /// The present ceiling, the bidder's own.
        your_max: Money,
    },
    /// The same key came before with other content.
    KeyReused,
    /// Too many bids of this bidder wait for their verdict.
    BidInFlight,
    /// The room has more to do than it can take.
    Busy,
    /// Too many requests.
    RateLimited,
    /// Nobody is signed in.
    Unauthenticated,
    /// There is no such auction.
    UnknownAuction,
    /// Not a whole number of minor units in 1 to 2^53 − 1.
    InvalidAmount,
    /// The lot cannot be bought at once, or no longer.
    BuyNowUnavailable,
    /// No verdict could be had; the same key may be sent again.
    Unavailable,
    /// The auction is not paused, so it cannot be resumed.
    NotPaused,
    /// No bid that counts has this seq.
    UnknownBid,
    /// Somebody has bid: the terms stand.
    HasBids,
    /// The bidder leads with more than the new allowance.
    Leading,
    /// A newer allowance is known already.
    StaleAllowance,
    /// The new terms are not acceptable.
    InvalidTerms,
    /// The terms were changed since those were read that the new ones were made from.
    TermsChanged,
}

impl Rejection {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BidTooLow { .. } => "bid_too_low",
            Self::AuctionNotOpen => "auction_not_open",
            Self::AuctionClosed => "auction_closed",
            Self::AuctionPaused => "auction_paused",
            Self::AuctionStopped => "auction_stopped",
            Self::OwnAuction => "own_auction",
            Self::Banned => "banned",
            Self::AccountFrozen => "account_frozen",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::MaxNotRaised { .. } => "max_not_raised",
            Self::KeyReused => "key_reused",
            Self::BidInFlight => "bid_in_flight",
            Self::Busy => "busy",
            Self::RateLimited => "rate_limited",
            Self::Unauthenticated => "unauthenticated",
            Self::UnknownAuction => "unknown_auction",
            Self::InvalidAmount => "invalid_amount",
            Self::BuyNowUnavailable => "buy_now_unavailable",
            Self::Unavailable => "unavailable",
            Self::NotPaused => "not_paused",
            Self::UnknownBid => "unknown_bid",
            Self::HasBids => "has_bids",
            Self::Leading => "leading",
            Self::StaleAllowance => "stale_allowance",
            Self::InvalidTerms => "invalid_terms",
            Self::TermsChanged => "terms_changed",
        }
    }

    /// A sentence for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::BidTooLow { .. } => "The bid is below the minimum bid.",
            Self::AuctionNotOpen => "Bidding has not opened yet.",
            Self::AuctionClosed => "Bidding has ended.",
            Self::AuctionPaused => "The auction is paused.",
            Self::AuctionStopped => "The auction was stopped.",
            Self::OwnAuction => "Sellers cannot bid on their own auctions.",
            Self::Banned => "This account may not bid.",
            Self::AccountFrozen => "This account is frozen: it may not bid.",
            Self::InsufficientFunds { .. } => "The bid is above what is set aside for this auction.",
            Self::MaxNotRaised { .. } => "You lead already, with a maximum at least as high.",
            Self::KeyReused => "This key was used for another bid.",
            Self::BidInFlight => "Too many of your bids wait for their verdict.",
            Self::Busy => "The room is busy. Send the same key again in a moment.",
            Self::RateLimited => "Too many requests. Send the same key again in a moment.",
            Self::Unauthenticated => "Sign in to bid.",
            Self::UnknownAuction => "There is no such auction.",
            Self::InvalidAmount => "An amount is a whole number of minor units from 1 to 9007199254740991.",
            Self::BuyNowUnavailable => "Buy now is not offered.",
            Self::Unavailable => "No verdict could be had. Send the same key again.",
            Self::NotPaused => "The auction is not paused.",
            Self::UnknownBid => "No bid that counts has this seq.",
            Self::HasBids => "Somebody has bid already: the terms stand.",
            Self::Leading => "The bidder leads with more than that.",
            Self::StaleAllowance => "A newer allowance is known already.",
            Self::InvalidTerms => "These terms are not acceptable.",
            Self::TermsChanged => "The auction was changed in the meantime. Read it again.",
        }
    }

    /// True if this is a verdict on the bid itself. The others leave its key open: the same key may be sent again.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Unavailable | Self::Busy | Self::RateLimited | Self::BidInFlight)
    }

    /// The amount that it carries, if it carries one.
    pub const fn amount(self) -> Option<Money> {
        match self {
            Self::BidTooLow { minimum } => Some(minimum),
            Self::InsufficientFunds { allowance } => Some(allowance),
            Self::MaxNotRaised { your_max } => Some(your_max),
            _ => None,
        }
    }

    /// The refusal with this code, carrying `amount` if it must carry one.
    pub fn from_code(code: &str, amount: Option<Money>) -> Option<Self> {
        let plain = Self::WITHOUT_AMOUNT.into_iter().find(|rejection| rejection.code() == code);
        plain.or_else(|| {
            let amount = amount?;
            let carrying = [
                Self::BidTooLow { minimum: amount },
                Self::InsufficientFunds { allowance: amount },
                Self::MaxNotRaised { your_max: amount },
            ];
            carrying.into_iter().find(|rejection| rejection.code() == code)
        })
    }

    /// Every refusal that carries nothing.
    const WITHOUT_AMOUNT: [Self; 23] = [
        Self::AuctionNotOpen,
        Self::AuctionClosed,
        Self::AuctionPaused,
        Self::AuctionStopped,
        Self::OwnAuction,
        Self::Banned,
        Self::AccountFrozen,
        Self::KeyReused,
        Self::BidInFlight,
        Self::Busy,
        Self::RateLimited,
        Self::Unauthenticated,
        Self::UnknownAuction,
        Self::InvalidAmount,
        Self::BuyNowUnavailable,
        Self::Unavailable,
        Self::NotPaused,
        Self::UnknownBid,
        Self::HasBids,
        Self::Leading,
        Self::StaleAllowance,
        Self::InvalidTerms,
        Self::TermsChanged,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_comes_back_from_its_code() {
        let amount = Money::new(7).expect("a positive amount");
        let carrying = [
            Rejection::BidTooLow { minimum: amount },
            Rejection::InsufficientFunds { allowance: amount },
            Rejection::MaxNotRaised { your_max: amount },
        ];
        for rejection in Rejection::WITHOUT_AMOUNT.into_iter().chain(carrying) {
            assert_eq!(Rejection::from_code(rejection.code(), rejection.amount()), Some(rejection));
        }
        assert_eq!(Rejection::from_code("bid_too_low", None), None);
        assert_eq!(Rejection::from_code("no_such_code", Some(amount)), None);
    }
}
