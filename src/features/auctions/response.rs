//! What callers get to see of auctions and bids. Accounts of bidders, ceilings and the amount of a reserve have no field
//! here, so they cannot leak.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{BandBody, SoftCloseBody};
use super::row::{AuctionRow, BidRow};
use crate::clock::{WireTime, from_datetime};
use crate::domain::Timestamp;
use crate::journal::AckLevel;
use crate::journal::public::Alias;
use crate::room::View;
use crate::wire::State;

/// An auction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionBody {
    id: Uuid,
    /// The account that sells.
    seller: Uuid,
    title: String,
    description: String,
    category: String,
    image_url: Option<String>,
    #[schema(example = "USD")]
    currency: String,
    opening_price: i64,
    increments: Vec<BandBody>,
    /// `none`, `not_met` or `met`.
    reserve: String,
    /// The buy-now price of the terms; `state.buy_now` tells whether it is still offered.
    buy_now: Option<i64>,
    /// `first_bid` or `reserve_met`.
    buy_now_until: String,
    soft_close: Option<SoftCloseBody>,
    /// `required` or `none`.
    funds: String,
    /// What the winner pays beside the price, in hundredths of a percent of it, rounded down.
    #[schema(example = 250)]
    premium_bp: i64,
    /// What the seller is not paid of the price, in hundredths of a percent of it, rounded down.
    #[schema(example = 500)]
    commission_bp: i64,
    starts_at: WireTime,
    ends_at: WireTime,
    created_at: WireTime,
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    status: String,
    /// What the leader would pay now; null before the first bid.
    price: Option<i64>,
    minimum_bid: i64,
    #[schema(example = "Bidder 7")]
    leader: Option<String>,
    bid_count: i64,
    /// `sold`, `unsold` or `bought_now`, once it has ended.
    outcome: Option<String>,
    winner: Option<String>,
    /// The last event that these fields know of.
    seq: u64,
}

/// One auction with its live state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LiveAuctionBody {
    #[serde(flatten)]
    auction: AuctionBody,
    /// The unbroken history that `seq` counts in.
    log: Uuid,
    /// Who must have a bid before anyone hears of it: `redis`, `replica` or `sql`.
    #[schema(example = "redis")]
    ack: &'static str,
    state: State,
}

/// A bid in the history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BidBody {
    seq: i64,
    at: WireTime,
    #[schema(example = "Bidder 7")]
    bidder: String,
    /// What the bid visibly reached.
    amount: i64,
    /// The price after it.
    price: i64,
    /// True if staff took it out of the race; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    voided: bool,
}

impl From<AuctionRow> for AuctionBody {
    fn from(row: AuctionRow) -> Self {
        let seconds = |millis: i64| u32::try_from(millis / 1_000).unwrap_or(u32::MAX);
        Self {
            id: row.id,
            seller: row.seller,
            reserve: row.reserve().name().to_owned(),
            title: row.title,
            description: row.description,
            category: row.category,
            image_url: row.image_url,
            currency: row.currency,
            opening_price: row.opening_price,
            increments: row.increments.0.iter().map(|band| BandBody { from: band.from, step: band.step }).collect(),
            buy_now: row.buy_now,
            buy_now_until: row.buy_now_until,
            soft_close: row.soft_close.map(|soft| SoftCloseBody {
                window_s: seconds(soft.window_ms),
                extension_s: seconds(soft.extension_ms),
                max_total_s: seconds(soft.max_total_ms),
            }),
            funds: row.funds,
            premium_bp: row.premium_bp,
            commission_bp: row.commission_bp,
            starts_at: WireTime(from_datetime(row.starts_at)),
            ends_at: WireTime(from_datetime(row.ends_at)),
            created_at: WireTime(from_datetime(row.created_at)),
            status: row.status,
            price: row.price,
            minimum_bid: row.minimum_bid,
            leader: row.leader.map(name),
            bid_count: row.bid_count,
            outcome: row.outcome,
            winner: row.winner.map(name),
            seq: row.seq.unsigned_abs(),
        }
    }
}

impl LiveAuctionBody {
    /// The auction.
    pub(super) fn id(&self) -> Uuid {
        self.auction.id
    }

    /// The auction with its live state, which is never older than what was stored of it.
    pub(super) fn new(mut auction: AuctionBody, view: &View, ack: AckLevel, now: Timestamp) -> Self {
        let state = State::new(view, now);
        auction.status = state.status.to_owned();
        auction.price = state.price;
        auction.minimum_bid = state.minimum_bid;
        auction.leader = state.leader.map(|alias| alias.to_string());
        auction.bid_count = i64::from(state.bid_count);
        auction.starts_at = state.starts_at;
        auction.ends_at = state.ends_at;
        auction.reserve = state.reserve.to_owned();
        auction.outcome = state.outcome.map(str::to_owned);
        auction.winner = state.winner.map(|alias| alias.to_string());
        auction.seq = view.seq.0;
        Self { auction, log: view.log.0, ack: ack.name(), state }
    }
}

impl From<BidRow> for BidBody {
    fn from(row: BidRow) -> Self {
        Self {
            seq: row.seq,
            at: WireTime(from_datetime(row.at)),
            bidder: name(row.alias),
            amount: row.amount,
            price: row.price,
            voided: row.voided,
        }
    }
}

fn name(alias: i64) -> String {
    Alias(u32::try_from(alias).unwrap_or(0)).to_string()
}
