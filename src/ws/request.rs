//! What clients ask. A frame is read flat, whatever its type, and then taken for what its type says; so the same reading
//! serves both codecs, and every mistake can be named.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::auction::Offer;
use crate::domain::{AuctionId, BidKey, LogId, Money, Seq};
use crate::room::Resume;

/// All fields that any request has.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Flat {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<i64>,
    token: Option<String>,
    auction: Option<String>,
    after: Option<u64>,
    log: Option<String>,
    key: Option<String>,
    amount: Option<Amount>,
    max: Option<Amount>,
    sent_at: Option<Value>,
    topic: Option<String>,
}

/// A request that is well formed.
pub(super) enum Request {
    Authenticate { token: String },
    Join { auction: String, resume: Option<Resume> },
    Leave { auction: String },
    Bid { auction: String, key: String, offer: Option<Offer> },
    Ping { sent_at: Option<Value> },
    Follow,
    Unfollow,
}

/// A frame that is no request, with what is wrong.
pub(super) struct Malformed {
    pub id: Option<i64>,
    pub code: &'static str,
    pub message: String,
    pub field: Option<String>,
}

impl Malformed {
    /// What a reader of frames found wrong.
    pub(super) fn new(id: Option<i64>, field: Option<String>, detail: String) -> Self {
        let named = |prefix: &str| detail.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        match named("unknown field `") {
            Some(field) => {
                let field = field.to_owned();
                Self { id, code: "unknown_field", message: format!("unknown field `{field}`"), field: Some(field) }
            }
            None => Self { id, code: "invalid_request", message: detail, field },
        }
    }

    fn field(id: Option<i64>, code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { id, code, message: message.into(), field: Some(field.to_owned()) }
    }
}

impl Flat {
    /// The type that the frame names, for metrics: a fixed set of words.
    pub(super) fn label(&self) -> &'static str {
        let known = ["authenticate", "join", "leave", "bid", "buy_now", "ping", "follow", "unfollow"];
        known.into_iter().find(|known| self.kind.as_deref() == Some(known)).unwrap_or("other")
    }

    /// The request, with the id by which its answer is matched.
    pub(super) fn into_request(mut self) -> Result<(i64, Request), Malformed> {
        let id = self.id;
        let Some(kind) = self.kind.take() else {
            return Err(Malformed::field(id, "missing_field", "type", "`type` is missing"));
        };
        let allowed: &[&str] = match kind.as_str() {
            "authenticate" => &["token"],
            "join" => &["auction", "after", "log"],
            "leave" => &["auction"],
            "bid" => &["auction", "key", "amount", "max"],
            "buy_now" => &["auction", "key"],
            "ping" => &["sent_at"],
            "follow" | "unfollow" => &["topic"],
            _ => {
                let known = "authenticate, join, leave, bid, buy_now, ping, follow or unfollow";
                return Err(Malformed::field(id, "unknown_type", "type", format!("`type` is not one of {known}")));
            }
        };
        if let Some(foreign) = self.present().into_iter().find(|name| !allowed.contains(name)) {
            return Err(Malformed::field(id, "unknown_field", foreign, format!("`{kind}` has no field `{foreign}`")));
        }
        let Some(id) = id else {
            return Err(Malformed::field(None, "missing_field", "id", "`id` is missing: an integer of your own"));
        };
        let request = self.request(id, &kind)?;
        Ok((id, request))
    }

    fn request(self, id: i64, kind: &str) -> Result<Request, Malformed> {
        let missing = |name: &str| Malformed::field(Some(id), "missing_field", name, format!("`{name}` is missing"));
        let invalid = |name: &str, message: &str| Malformed::field(Some(id), "invalid_request", name, message);
        let auction = self.auction.ok_or_else(|| missing("auction"));
        Ok(match kind {
            "authenticate" => Request::Authenticate { token: self.token.ok_or_else(|| missing("token"))? },
            "join" => {
                let log = match self.log.map(|log| log.parse::<LogId>()) {
                    Some(Err(_)) => return Err(invalid("log", "`log` is the id that a join gave")),
                    Some(Ok(log)) => Some(log),
                    None => None,
                };
                let resume = self.after.map(|after| Resume { after: Seq(after), log });
                Request::Join { auction: auction?, resume }
            }
            "leave" => Request::Leave { auction: auction? },
            "follow" | "unfollow" => match self.topic.as_deref() {
                Some("activity") if kind == "follow" => Request::Follow,
                Some("activity") => Request::Unfollow,
                Some(_) => return Err(invalid("topic", "`topic` is `activity`")),
                None => return Err(missing("topic")),
            },
            "ping" => match self.sent_at {
                Some(Value::Array(_) | Value::Object(_)) => {
                    return Err(invalid("sent_at", "`sent_at` is a number or a text"));
                }
                sent_at => Request::Ping { sent_at },
            },
            _ => {
                let key = self.key.ok_or_else(|| missing("key"))?;
                if BidKey::new(&key).is_none() {
                    return Err(invalid("key", "`key` is 1 to 128 visible ASCII characters"));
                }
                let offer = match (kind, self.amount, self.max) {
                    ("buy_now", ..) => Some(Offer::BuyNow),
                    (_, Some(amount), None) => amount.0.map(Offer::Straight),
                    (_, None, Some(max)) => max.0.map(Offer::Max),
                    (_, None, None) => return Err(missing("amount")),
                    _ => return Err(invalid("max", "a bid has `amount` or `max`, not both")),
                };
                Request::Bid { auction: auction?, key, offer }
            }
        })
    }

    /// The fields that the frame has, besides `type` and `id`.
    fn present(&self) -> Vec<&'static str> {
        let fields = [
            ("token", self.token.is_some()),
            ("auction", self.auction.is_some()),
            ("after", self.after.is_some()),
            ("log", self.log.is_some()),
            ("key", self.key.is_some()),
            ("amount", self.amount.is_some()),
            ("max", self.max.is_some()),
            ("sent_at", self.sent_at.is_some()),
            ("topic", self.topic.is_some()),
        ];
        fields.into_iter().filter_map(|(name, present)| present.then_some(name)).collect()
    }
}

/// An auction by its id as text. A text that is no id names no auction.
pub(super) fn auction_id(text: &str) -> Option<AuctionId> {
    text.parse().ok()
}

/// An amount as it was sent; none if it is no amount. A wrong amount is a refused bid, not a broken frame.
#[derive(Clone, Copy)]
pub(super) struct Amount(Option<Money>);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;

        impl Visitor<'_> for AnyScalar {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of minor units")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Amount, E> {
                Ok(Amount(i64::try_from(value).ok().and_then(Money::new)))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Amount, E> {
                Ok(Amount(Money::new(value)))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Amount, E> {
                // Some writers of MessagePack send whole numbers as floats; below 2^53 they are exact.
                let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
                Ok(Amount(whole.then_some(value as i64).and_then(Money::new)))
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Amount, E> {
                Ok(Amount(None))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Amount, E> {
                Ok(Amount(None))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}
