//! What callers get to see of their own stakes. Nobody sees those of others.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{BidRow, LotRow, WatchRow};
use crate::clock::{WireTime, from_datetime};
use crate::journal::public::Alias;

/// What is shown of an auction, as far as the database knows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct LotBody {
    #[schema(example = "Walnut desk")]
    title: String,
    image_url: Option<String>,
    #[schema(example = "USD")]
    currency: String,
    /// What the leader would pay now; null before the first bid.
    price: Option<i64>,
    minimum_bid: i64,
    bid_count: i64,
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    status: String,
    ends_at: WireTime,
    /// `sold`, `unsold` or `bought_now`, once it has ended.
    outcome: Option<String>,
}

/// An auction in which the account has bid.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct OwnBidBody {
    auction: Uuid,
    /// `leading`, `outbid`, `void` (staff took all own bids out), `won`, `lost` or `stopped`.
    #[schema(example = "outbid")]
    standing: String,
    /// The own name there.
    #[schema(example = "Bidder 7")]
    alias: String,
    /// The own highest ceiling that counts; nobody else sees it.
    max: Option<i64>,
    /// How many own bids count.
    bids: i64,
    /// The event of the last own bid.
    last_seq: i64,
    last_bid_at: WireTime,
    #[serde(flatten)]
    lot: LotBody,
}

/// A watched auction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct WatchedBody {
    auction: Uuid,
    watched_at: WireTime,
    /// How the account stands there, if it has bid.
    standing: Option<String>,
    #[serde(flatten)]
    lot: LotBody,
}

impl From<LotRow> for LotBody {
    fn from(row: LotRow) -> Self {
        let LotRow { title, image_url, currency, price, minimum_bid, bid_count, status, ends_at, outcome } = row;
        let ends_at = WireTime(from_datetime(ends_at));
        Self { title, image_url, currency, price, minimum_bid, bid_count, status, ends_at, outcome }
    }
}

impl From<BidRow> for OwnBidBody {
    fn from(BidRow { stake, lot }: BidRow) -> Self {
        Self {
            auction: stake.auction,
            standing: stake.standing,
            alias: Alias(u32::try_from(stake.alias).unwrap_or(0)).to_string(),
            max: stake.ceiling,
            bids: stake.bids,
            last_seq: stake.last_seq,
            last_bid_at: WireTime(from_datetime(stake.last_at)),
            lot: lot.into(),
        }
    }
}

impl From<WatchRow> for WatchedBody {
    fn from(WatchRow { auction, at, standing, lot }: WatchRow) -> Self {
        Self { auction, watched_at: WireTime(from_datetime(at)), standing, lot: lot.into() }
    }
}
