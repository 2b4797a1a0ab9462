//! One thing that went on, as a row and as everybody sees it. Accounts of bidders and ceilings have no field here, so they
//! cannot leak.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::{WireTime, from_datetime, to_datetime};
use crate::domain::auction::{Event, EventKind};
use crate::domain::{AuctionId, Money};
use crate::journal::public::Alias;
use crate::projection::{Created, Fact, Projected};

/// A row of `activity`, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct NewRow {
    pub auction: Uuid,
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    /// The number within the auction of whoever bid or won.
    pub bidder: Option<i64>,
    pub amount: Option<i64>,
    pub price: Option<i64>,
    pub ends_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub reason: Option<String>,
}

/// A row of `activity`, with what is shown of its auction.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct ItemRow {
    pub id: i64,
    pub title: String,
    pub currency: String,
    #[sqlx(flatten)]
    pub what: NewRow,
}

/// Something that went on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ActivityItem {
    /// Greater for what was written later. A push and the list may both bring it: it is the same one by this id.
    id: i64,
    auction: Uuid,
    #[schema(example = "Walnut desk")]
    title: String,
    /// Of all amounts.
    #[schema(example = "USD")]
    currency: String,
    /// The number of the event in the log of the auction; 0 when it was offered.
    seq: i64,
    at: WireTime,
    /// `listed`, or the kind of the event: `opened`, `bid`, `reserve_met`, `extended`, `paused`, `resumed`, `suspended`,
    /// `bid_voided`, `stopped`, `ended`.
    #[schema(example = "bid")]
    kind: String,
    /// Who bid, or whose bid was voided.
    #[schema(example = "Bidder 7")]
    #[serde(skip_serializing_if = "Option::is_none")]
    bidder: Option<String>,
    /// Who won.
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<String>,
    /// What a bid visibly reached; the opening price of what is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    /// The price after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<i64>,
    /// The end, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<WireTime>,
    /// `sold`, `unsold` or `bought_now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// Why staff or the seller did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl NewRow {
    /// What a record says, if it is for everybody.
    pub(super) fn of(projected: &Projected) -> Option<Self> {
        match &projected.fact {
            Fact::Created(created) => Some(Self::listed(projected.auction, created)),
            Fact::Event(event) => Self::happened(projected.auction, event),
        }
    }

    fn listed(auction: AuctionId, created: &Created) -> Self {
        let row = Self::empty(auction, 0, to_datetime(created.at), "listed");
        let crate::domain::formats::Format::English(english) = &created.terms.format;
        let amount = Some(english.opening_price.minor_units());
        Self { amount, ends_at: Some(to_datetime(created.terms.ends_at)), ..row }
    }

    fn happened(auction: AuctionId, event: &Event) -> Option<Self> {
        let seq = i64::try_from(event.seq.0).unwrap_or(i64::MAX);
        let row = |kind| Self::empty(auction, seq, to_datetime(event.at), kind);
        let minor = |amount: Money| Some(amount.minor_units());
        Some(match &event.kind {
            EventKind::Opened { ends_at } => Self { ends_at: Some(to_datetime(*ends_at)), ..row("opened") },
            EventKind::Bid(bid) => Self {
                bidder: Some(bid.alias.into()),
                amount: minor(bid.amount),
                price: minor(bid.price),
                ..row("bid")
            },
            EventKind::ReserveMet { price } => Self { price: minor(*price), ..row("reserve_met") },
            EventKind::Extended { ends_at, .. } => Self { ends_at: Some(to_datetime(*ends_at)), ..row("extended") },
            EventKind::Paused { reason, .. } => Self { reason: Some(reason.to_string()), ..row("paused") },
            EventKind::Resumed { reason, ends_at, .. } => Self {
                reason: reason.as_deref().map(str::to_owned),
                ends_at: Some(to_datetime(*ends_at)),
                ..row("resumed")
            },
            EventKind::BidVoided(void) => Self {
                bidder: Some(void.alias.into()),
                price: void.price.and_then(minor),
                reason: Some(void.reason.to_string()),
                ..row("bid_voided")
            },
            EventKind::Stopped { reason, .. } => Self { reason: Some(reason.to_string()), ..row("stopped") },
            EventKind::Ended { outcome, price, winner } => Self {
                bidder: winner.map(|winner| winner.alias.into()),
                price: price.and_then(minor),
                outcome: Some(outcome.name().to_owned()),
                ..row("ended")
            },
            EventKind::Suspended { .. } => row("suspended"),
            EventKind::Amended { .. } | EventKind::AllowanceSet { .. } => return None,
        })
    }

    fn empty(auction: AuctionId, seq: i64, at: DateTime<Utc>, kind: &str) -> Self {
        Self {
            auction: auction.0,
            seq,
            at,
            kind: kind.to_owned(),
            bidder: None,
            amount: None,
            price: None,
            ends_at: None,
            outcome: None,
            reason: None,
        }
    }
}

impl From<ItemRow> for ActivityItem {
    fn from(ItemRow { id, title, currency, what }: ItemRow) -> Self {
        let NewRow { auction, seq, at, kind, bidder, amount, price, ends_at, outcome, reason } = what;
        let named = bidder.map(|alias| Alias(u32::try_from(alias).unwrap_or(0)).to_string());
        let (bidder, winner) = if kind == "ended" { (None, named) } else { (named, None) };
        let (at, ends_at) = (WireTime(from_datetime(at)), ends_at.map(|at| WireTime(from_datetime(at))));
        Self { id, auction, title, currency, seq, at, kind, bidder, winner, amount, price, ends_at, outcome, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Seq, Timestamp};

    #[test]
    fn a_suspension_is_for_everybody() {
        let at = Timestamp::from_millis(1_000);
        let kind = EventKind::Suspended { since: Timestamp::default(), until: at };
        let row = NewRow::happened(AuctionId(Uuid::nil()), &Event { seq: Seq(7), at, kind });
        let expected = NewRow::empty(AuctionId(Uuid::nil()), 7, to_datetime(at), "suspended");
        assert_eq!(row, Some(expected));
    }
}
