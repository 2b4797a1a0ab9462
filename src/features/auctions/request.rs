//! What sellers and bidders send.

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::WireTime;
use crate::domain::Money;
use crate::domain::auction::{Offer, Rejection};
use crate::http::ApiError;

/// An auction to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAuction {
    /// One line, 1 to 200 characters.
    #[schema(example = "Walnut writing desk, about 1890")]
    pub title: String,
    /// Plain text, at most 10,000 characters.
    pub description: String,
    /// At most 60 characters.
    #[schema(example = "furniture")]
    pub category: String,
    /// ISO 4217, three capital letters.
    #[schema(example = "USD")]
    pub currency: String,
    /// The least first bid.
    #[schema(example = 10_000)]
    pub opening_price: i64,
    /// The steps by price; without them the hub's own table.
    pub increments: Option<Vec<BandBody>>,
    /// The hidden least price.
    pub reserve: Option<i64>,
    /// The price at which the first comer may end the auction.
    pub buy_now: Option<i64>,
    /// Until when that is offered.
    pub buy_now_until: Option<BuyNowUntilBody>,
    /// When bidding opens; at once unless given.
    pub starts_at: Option<WireTime>,
    /// When bidding is planned to end.
    pub ends_at: WireTime,
    /// How late bids move the end; without it the end stands.
    pub soft_close: Option<SoftCloseBody>,
    /// Whether bids must be covered by an allowance; `none` unless given.
    pub funds: Option<FundsBody>,
    /// A picture: `https://…`, `http://…`, or a path of the hub, such as the `url` of an image that was uploaded to it.
    #[schema(example = "https://example.com/desk.jpg")]
    pub image_url: Option<String>,
    /// Who must have a bid before anyone hears of it; the hub's own setting unless given. It never changes.
    pub ack: Option<AckBody>,
}

/// What is to change. What is not given stays; `null` takes away what may be absent.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchAuction {
    /// One line, 1 to 200 characters.
    pub title: Option<String>,
    /// Plain text, at most 10,000 characters.
    pub description: Option<String>,
    /// At most 60 characters.
    pub category: Option<String>,
    /// The least first bid.
    pub opening_price: Option<i64>,
    /// The steps by price.
    pub increments: Option<Vec<BandBody>>,
    /// The hidden least price.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub reserve: Option<Option<i64>>,
    /// The price at which the first comer may end the auction.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub buy_now: Option<Option<i64>>,
    /// Until when that is offered.
    pub buy_now_until: Option<BuyNowUntilBody>,
    /// When bidding opens; fixed once it has.
    pub starts_at: Option<WireTime>,
    /// When bidding is planned to end.
    pub ends_at: Option<WireTime>,
    /// How late bids move the end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SoftCloseBody>)]
    pub soft_close: Option<Option<SoftCloseBody>>,
    /// Whether bids must be covered by an allowance.
    pub funds: Option<FundsBody>,
    /// A picture.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub image_url: Option<Option<String>>,
}

/// One band of an increment table: from this price on, this step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BandBody {
    /// The lowest price of the band; the first is 0.
    pub from: i64,
    /// The step.
    pub step: i64,
}

/// A bid within `window_s` of the end moves the end to `extension_s` after itself, in all by `max_total_s` at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftCloseBody {
    /// How long before the end it begins, in seconds.
    #[schema(example = 120)]
    pub window_s: u32,
    /// How long after the bid the end will be, in seconds.
    #[schema(example = 120)]
    pub extension_s: u32,
    /// How far the end may move in all, in seconds.
    #[schema(example = 3_600)]
    pub max_total_s: u32,
}

/// Until when buy-now is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuyNowUntilBody {
    /// Until somebody bids.
    FirstBid,
    /// Until the bidding reaches the reserve.
    ReserveMet,
}

/// Whether bids must be covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FundsBody {
    /// By an allowance from the bidder's wallet.
    Required,
    /// Not at all.
    None,
}

/// Who must have what was committed before anyone hears of it. On one machine all are the same: it is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AckBody {
    /// The live journal.
    Redis,
    /// Every replica of it too; only where the hub has replicas.
    Replica,
    /// The database too.
    Sql,
}

/// A bid: exactly this `amount`, or as little as leads up to `max`. One of the two.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBid {
    /// A straight bid, in minor units.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, example = 12_500)]
    amount: Option<Value>,
    /// A ceiling up to which the hub bids for the bidder, in minor units.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    max: Option<Value>,
}

impl PlaceBid {
    /// What is offered.
    pub fn offer(&self) -> Result<Offer, ApiError> {
        match (&self.amount, &self.max) {
            (Some(amount), None) => money("amount", amount).map(Offer::Straight),
            (None, Some(max)) => money("max", max).map(Offer::Max),
            _ => {
                let detail = "a bid has either `amount` or `max`";
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_amount", detail).with("field", "amount"))
            }
        }
    }
}

/// An amount that is written as a whole number and lies in the range of money.
fn money(field: &str, value: &Value) -> Result<Money, ApiError> {
    value.as_i64().and_then(Money::new).ok_or_else(|| ApiError::from(Rejection::InvalidAmount).with("field", field))
}

/// A member that is there, even as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bid_is_one_whole_number_in_the_range_of_money() {
        let offer = |json: &str| serde_json::from_str::<PlaceBid>(json).unwrap().offer();
        let money = |minor| Money::new(minor).unwrap();
        assert_eq!(offer(r#"{"amount":1}"#).unwrap(), Offer::Straight(money(1)));
        assert_eq!(offer(r#"{"max":9007199254740991}"#).unwrap(), Offer::Max(Money::MAX));
        for (wrong, field) in [
            (r#"{"amount":0}"#, "amount"),
            (r#"{"amount":-5}"#, "amount"),
            (r#"{"max":9007199254740992}"#, "max"),
            (r#"{"max":1e300}"#, "max"),
            (r#"{"amount":12.5}"#, "amount"),
            (r#"{"amount":"100"}"#, "amount"),
            (r#"{"amount":null}"#, "amount"),
            (r#"{"amount":100,"max":100}"#, "amount"),
            ("{}", "amount"),
        ] {
            let error = offer(wrong).unwrap_err();
            assert_eq!((error.status().as_u16(), error.code()), (422, "invalid_amount"), "{wrong}");
            assert!(format!("{error:?}").contains(field), "{wrong}");
        }
    }
}
