//! What an auction is held on: fixed when it is created, amended only before the first bid.

use std::sync::Arc;

use super::command::Offer;
use crate::domain::formats::Format;
use crate::domain::{AccountId, Currency, Fees, Money, Span, Timestamp};

/// The longest time from opening to the planned end: 366 days.
pub const DURATION_MAX: Span = Span::from_secs(366 * 24 * 3_600);
/// The farthest that the opening may lie ahead: 366 days.
pub const NOTICE_MAX: Span = Span::from_secs(366 * 24 * 3_600);
/// The longest grace given after an outage: one day.
pub const GRACE_MAX: Span = Span::from_secs(24 * 3_600);

/// The terms of an auction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Who sells.
    pub seller: AccountId,
    /// The currency of every amount.
    pub currency: Currency,
    /// When bidding opens.
    pub starts_at: Timestamp,
    /// When bidding is planned to end.
    pub ends_at: Timestamp,
    /// Whether bids must be covered by an allowance.
    pub funds: Funds,
    /// What the house takes of a sale: fixed when the auction is created, never amended.
    pub fees: Fees,
    /// How long an auction stays open at least after an outage that reached into its end.
    pub grace: Span,
    /// By which rules bids are judged.
    pub format: Format,
}

/// Whether bids must be covered by money set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Funds {
    /// Anyone may bid any amount.
    None,
    /// A bidder may bid up to the own allowance.
    Required,
}

/// What is for sale, in words. It decides nothing, but the log commits to it as to the terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// One line.
    pub title: Arc<str>,
    /// Plain text of any length that the hub accepts.
    pub description: Arc<str>,
    /// The seller's category.
    pub category: Arc<str>,
    /// A picture.
    pub image_url: Option<Arc<str>>,
}

/// Why terms are not acceptable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {message}")]
pub struct TermsError {
    /// The field at fault, by its name in the API.
    pub field: &'static str,
    /// What it must be.
    pub message: &'static str,
}

impl Terms {
    /// Checks everything that does not depend on other auctions; `now` is the moment of creation or amendment.
    pub fn validate(&self, now: Timestamp) -> Result<(), TermsError> {
        let refuse = |field, message| Err(TermsError { field, message });
        if self.ends_at <= self.starts_at {
            return refuse("ends_at", "must lie after the start");
        }
        if self.ends_at <= now {
            return refuse("ends_at", "must lie in the future");
        }
        if self.starts_at > now.plus(NOTICE_MAX) {
            return refuse("starts_at", "must lie within the next 366 days");
        }
        if self.ends_at.since(self.starts_at) > DURATION_MAX {
            return refuse("ends_at", "must lie at most 366 days after the start");
        }
        if self.grace > GRACE_MAX {
            return refuse("grace_s", "must be at most one day");
        }
        if !self.fees.are_acceptable() {
            return refuse("fees", "must be at most 5000 basis points each");
        }
        self.format.validate()
    }

    /// What must be set aside for `offer` where bids must be covered: its ceiling, which for buy-now is the price of these
    /// terms. None if there is no such price.
    pub fn needed(&self, offer: Offer) -> Option<Money> {
        offer.amount().or(self.format.buy_now_price())
    }
}
