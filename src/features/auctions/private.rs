//! What staff may see of an event beyond its public part. Accounts stand in it by their ids.

use serde_json::{Value, json};

use crate::domain::auction::{EventKind, Offer};
use crate::domain::{BidKey, Money};

/// The private part as JSON; an empty object where nothing is hidden.
pub(super) fn private_of(kind: &EventKind) -> Value {
    match kind {
        EventKind::Bid(bid) => json!({
            "bidder": bid.bidder.0,
            "key": bid.key.as_str(),
            "offer": match bid.offer {
                Offer::Straight(_) => "straight",
                Offer::Max(_) => "max",
                Offer::BuyNow => "buy_now",
            },
            "ceiling": bid.ceiling.minor_units(),
        }),
        EventKind::Paused { by, key, time_left, .. } => {
            json!({"by": by.0, "key": name(key), "time_left_ms": time_left.millis()})
        }
        EventKind::Resumed { by, key, .. } | EventKind::Stopped { by, key, .. } => {
            json!({"by": by.0, "key": name(key)})
        }
        EventKind::BidVoided(void) => json!({
            "by": void.by.0,
            "key": name(&void.key),
            "bidder": void.bidder.0,
            "bidder_max": void.bidder_max.map(Money::minor_units),
            "leader": void.leader.map(|leader| leader.account.0),
            "leader_ceiling": void.leader.map(|leader| leader.ceiling.minor_units()),
        }),
        EventKind::Ended { winner: Some(winner), .. } => json!({"winner": winner.account.0}),
        EventKind::Amended { by, key, terms, .. } => {
            json!({"by": by.0, "key": name(key), "reserve": terms.format.reserve().map(Money::minor_units)})
        }
        EventKind::AllowanceSet { bidder, amount, version } => {
            json!({"kind": "allowance_set", "bidder": bidder.0, "amount": amount.minor_units(), "version": version})
        }
        EventKind::Opened { .. }
        | EventKind::ReserveMet { .. }
        | EventKind::Extended { .. }
        | EventKind::Suspended { .. }
        | EventKind::Ended { winner: None, .. } => json!({}),
    }
}

fn name(key: &Option<BidKey>) -> Option<&str> {
    key.as_ref().map(BidKey::as_str)
}
