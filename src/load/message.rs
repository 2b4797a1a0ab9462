//! The messages of the contract as a client sees them. Fields that no program here needs are left out; a type that is
//! not known is no error, for the hub may learn new ones.

use serde::{Deserialize, Serialize};

/// What is offered in a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// Exactly this, in minor units.
    Amount(i64),
    /// Up to this, in minor units.
    Max(i64),
}

/// What a client asks.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are those of the contract")]
pub enum Request<'a> {
    /// To be shown a room.
    Join { auction: &'a str },
    /// To be shown it no longer.
    Leave { auction: &'a str },
    /// To bid.
    Bid {
        auction: &'a str,
        key: &'a str,
        #[serde(flatten)]
        offer: Offer,
    },
    /// To buy at once.
    BuyNow { auction: &'a str, key: &'a str },
    /// A sign of life.
    Ping {},
}

/// A request with the number by which its answer is found.
#[derive(Serialize)]
pub(super) struct Numbered<'a> {
    pub id: i64,
    #[serde(flatten)]
    pub request: &'a Request<'a>,
}

/// What the hub says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are those of the contract")]
pub enum Message {
    /// A room is shown from here on.
    Joined { auction: String, seq: u64, state: Option<RoomState> },
    /// It is no longer shown.
    Left { auction: String },
    /// The bid stands.
    BidAccepted { auction: String, key: String, seq: u64, leading: bool, price: i64, minimum_bid: i64, your_max: i64 },
    /// The bid does not stand.
    BidRejected { auction: String, key: String, code: String, minimum_bid: Option<i64> },
    /// The answer to a ping.
    Pong {},
    /// What was asked makes no sense.
    Error { code: String, message: String },
    /// What happened in a room.
    Events { auction: String, events: Vec<RoomEvent> },
    /// The state of a room, in place of events.
    State { auction: String, seq: u64, state: RoomState },
    /// The hub is about to stop.
    Draining { reconnect_after_ms: u64 },
    /// Something else.
    #[serde(other)]
    Other,
}

/// The state of a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the contract")]
pub struct RoomState {
    pub status: String,
    pub price: Option<i64>,
    pub minimum_bid: i64,
    pub bid_count: u32,
    pub ends_at: String,
    pub buy_now: Option<i64>,
    pub you: Option<Own>,
}

/// The own part of a state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the contract")]
pub struct Own {
    pub leading: bool,
    pub max: Option<i64>,
}

/// An event of a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the contract")]
pub struct RoomEvent {
    pub seq: u64,
    pub kind: String,
    pub price: Option<i64>,
    pub minimum_bid: Option<i64>,
}

/// A message with the number of the request that it answers, if it answers one.
#[derive(Debug, Deserialize)]
pub(super) struct Received {
    pub reply_to: Option<i64>,
    #[serde(flatten)]
    pub message: Message,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bid_is_written_as_the_contract_says() {
        let request = Request::Bid { auction: "a", key: "k", offer: Offer::Max(20_000) };
        let text = serde_json::to_value(Numbered { id: 5, request: &request }).unwrap();
        let expected = serde_json::json!({"type": "bid", "id": 5, "auction": "a", "key": "k", "max": 20_000});
        assert_eq!(text, expected);
        let packed = rmp_serde::to_vec_named(&Numbered { id: 5, request: &request }).unwrap();
        assert_eq!(rmp_serde::from_slice::<serde_json::Value>(&packed).unwrap(), expected);
    }

    #[test]
    fn answers_and_unknown_pushes_are_read_in_both_codecs() {
        let rejected = serde_json::json!({"type": "bid_rejected", "reply_to": 5, "auction": "a", "key": "k",
            "code": "bid_too_low", "message": "…", "minimum_bid": 13_000});
        let message = Message::BidRejected {
            auction: "a".into(),
            key: "k".into(),
            code: "bid_too_low".into(),
            minimum_bid: Some(13_000),
        };
        let viewers = serde_json::json!({"type": "viewers", "auction": "a", "count": 3});
        for (sent, reply_to, expected) in [(rejected, Some(5), message), (viewers, None, Message::Other)] {
            let packed = rmp_serde::to_vec_named(&sent).unwrap();
            let from_text: Received = serde_json::from_str(&sent.to_string()).unwrap();
            let from_pack: Received = rmp_serde::from_slice(&packed).unwrap();
            for received in [from_text, from_pack] {
                assert_eq!((received.reply_to, &received.message), (reply_to, &expected));
            }
        }
    }
}
