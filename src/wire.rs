//! What REST and the socket say alike: the state of an auction and the verdict on a bid, as the contract writes them; and
//! a public event as it leaves the hub on its own. Twins of domain types, converted explicitly; nothing here decides
//! anything.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::WireTime;
use crate::domain::auction::view::{OwnView, PublicState};
use crate::domain::auction::{Outcome, Rejection, Verdict};
use crate::domain::{AuctionId, BidKey, Money, Timestamp};
use crate::journal::public::Alias;
use crate::journal::{Record, RecordError};
use crate::room::View;

/// The live state of an auction.
#[derive(Serialize, ToSchema, Clone, Debug)]
pub struct State {
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    #[schema(example = "open")]
    pub status: &'static str,
    /// ISO 4217 code of every amount.
    #[schema(example = "USD")]
    pub currency: String,
    /// What the leader would pay now, in minor units.
    #[schema(example = 12_500)]
    pub price: Option<i64>,
    /// The least that the next bid must offer, in minor units.
    #[schema(example = 13_000)]
    pub minimum_bid: i64,
    /// Who leads.
    #[schema(value_type = Option<String>, example = "Bidder 7")]
    pub leader: Option<Alias>,
    /// How many bids count.
    pub bid_count: u32,
    /// When bidding opens.
    pub starts_at: WireTime,
    /// When it ends, as things stand.
    pub ends_at: WireTime,
    /// `none`, `not_met` or `met`.
    #[schema(example = "none")]
    pub reserve: &'static str,
    /// The buy-now price while it is offered, in minor units.
    pub buy_now: Option<i64>,
    /// `sold`, `unsold` or `bought_now`, once it has ended.
    pub outcome: Option<&'static str>,
    /// Who won, if anyone.
    #[schema(value_type = Option<String>)]
    pub winner: Option<Alias>,
    /// The hub's clock when it wrote this.
    pub server_time: WireTime,
    /// The caller's own part; null for who is not signed in.
    pub you: Option<You>,
}

/// What a bidder alone may see.
#[derive(Serialize, ToSchema, Clone, Copy, Debug)]
pub struct You {
    /// The public name; null before the first bid.
    #[schema(value_type = Option<String>, example = "Bidder 3")]
    pub alias: Option<Alias>,
    /// Whether the caller leads.
    pub leading: bool,
    /// The caller's own ceiling, in minor units.
    pub max: Option<i64>,
    /// What the caller has set aside here, in minor units.
    pub allowance: i64,
}

impl State {
    /// The state as the contract writes it.
    pub fn new(view: &View, now: Timestamp) -> Self {
        let PublicState { status, currency, price, minimum_bid, leader, bid_count, .. } = &view.public;
        Self {
            status,
            currency: currency.code().to_owned(),
            price: price.map(Money::minor_units),
            minimum_bid: minimum_bid.minor_units(),
            leader: leader.map(Alias),
            bid_count: *bid_count,
            starts_at: WireTime(view.public.starts_at),
            ends_at: WireTime(view.public.ends_at),
            reserve: view.public.reserve.name(),
            buy_now: view.public.buy_now.map(Money::minor_units),
            outcome: view.public.outcome.map(Outcome::name),
            winner: view.public.winner.map(Alias),
            server_time: WireTime(now),
            you: view.own.map(You::from),
        }
    }
}

impl From<OwnView> for You {
    fn from(own: OwnView) -> Self {
        Self {
            alias: own.alias.map(Alias),
            leading: own.leading,
            max: own.max.map(Money::minor_units),
            allowance: own.allowance.minor_units(),
        }
    }
}

/// The verdict on an accepted bid.
#[derive(Serialize, ToSchema, Clone, Debug)]
pub struct Accepted {
    /// The auction.
    pub auction: Uuid,
    /// The bidder's own name for the bid.
    pub key: Cow<'static, str>,
    /// The number of the bid's event.
    pub seq: u64,
    /// Whether the bidder led after it.
    pub leading: bool,
    /// The price after it, in minor units.
    pub price: i64,
    /// The least that the next bid had to offer, in minor units.
    pub minimum_bid: i64,
    /// The bidder's own ceiling, in minor units.
    pub your_max: i64,
}

impl Accepted {
    /// The verdict as the contract writes it.
    pub fn new(auction: AuctionId, key: &BidKey, verdict: Verdict) -> Self {
        Self {
            auction: auction.0,
            key: Cow::Owned(key.as_str().to_owned()),
            seq: verdict.seq.0,
            leading: verdict.leading,
            price: verdict.price.minor_units(),
            minimum_bid: verdict.minimum_bid.minor_units(),
            your_max: verdict.your_max.minor_units(),
        }
    }
}

/// What a refusal carries besides its code and sentence.
#[derive(Serialize, ToSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The least that would do, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_bid: Option<i64>,
    /// The bidder's present ceiling, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub your_max: Option<i64>,
    /// What is set aside, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowance: Option<i64>,
    /// True if the same key may be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<bool>,
}

impl From<Rejection> for Hints {
    fn from(rejection: Rejection) -> Self {
        let mut hints = Self { retry: (!rejection.is_final()).then_some(true), ..Self::default() };
        match rejection {
            Rejection::BidTooLow { minimum } => hints.minimum_bid = Some(minimum.minor_units()),
            Rejection::MaxNotRaised { your_max } => hints.your_max = Some(your_max.minor_units()),
            Rejection::InsufficientFunds { allowance } => hints.allowance = Some(allowance.minor_units()),
            _ => {}
        }
        hints
    }
}

/// A message that names what it is about: `{"type", "timestamp", "data"}`.
#[derive(Serialize, Debug)]
pub struct Message<T> {
    /// What it is about: words with dots between them.
    #[serde(rename = "type")]
    pub kind: String,
    /// When that happened.
    pub timestamp: WireTime,
    /// More about it.
    pub data: T,
}

/// A public event of an auction as it stands in the log, its digest included.
#[derive(Serialize, Debug)]
pub struct Told {
    auction: Uuid,
    event: Box<RawValue>,
}

/// What every public record says, whichever version wrote it.
#[derive(Deserialize)]
struct Common<'a> {
    at: WireTime,
    kind: Cow<'a, str>,
}

impl Message<Told> {
    /// `auction.bid` and its like: the event of a record, byte for byte as it was hashed.
    pub fn of(auction: AuctionId, record: &Record) -> Result<Self, RecordError> {
        let malformed = |error: serde_json::Error| RecordError::Malformed(format!("public bytes: {error}"));
        let Common { at, kind } = serde_json::from_str(&record.public).map_err(malformed)?;
        let event = RawValue::from_string(record.with_digest()?).map_err(malformed)?;
        Ok(Self { kind: format!("auction.{kind}"), timestamp: at, data: Told { auction: auction.0, event } })
    }
}

impl<T: Serialize> Message<T> {
    /// The message as JSON.
    pub fn to_json(&self) -> String {
        // Writing plain strings to memory cannot fail; what is empty would be no message to anyone.
        serde_json::to_string(self).unwrap_or_default()
    }
}
