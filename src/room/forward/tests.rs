//! What is asked of another node arrives there as it was asked.

use super::*;
use crate::domain::auction::{Funds, Listing, Terms};
use crate::domain::formats::{English, Format};
use crate::domain::increments::Increments;
use crate::domain::{Currency, Fees, Span, Timestamp};

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

fn money(minor: i64) -> Money {
    Money::new(minor).unwrap()
}

fn key() -> Option<BidKey> {
    BidKey::new("once")
}

/// The command at the other end of the way.
fn arrived(ask: &Ask) -> Ask {
    let command = CommandItem::new(ask).unwrap();
    let (id, auction, deadline) = (1, Uuid::from_u128(2), 3);
    let item = Item::Command { id, auction, deadline, command, trace: None };
    match decode(&encode(vec![item])).unwrap().pop() {
        Some(Item::Command { command, .. }) => command.into_ask().unwrap(),
        _ => panic!("one command was sent"),
    }
}

fn terms(fees: Fees) -> Terms {
    Terms {
        seller: account(1),
        currency: Currency::new("USD").unwrap(),
        starts_at: Timestamp::from_millis(1_000),
        ends_at: Timestamp::from_millis(9_000),
        funds: Funds::Required,
        fees,
        grace: Span::from_secs(30),
        format: Format::English(English {
            opening_price: money(100),
            increments: Increments::default(),
            reserve: Some(money(500)),
            buy_now: None,
            buy_now_until: Default::default(),
            soft_close: None,
        }),
    }
}

#[test]
fn an_act_arrives_whole() {
    let (by, reason) = (account(9), Arc::<str>::from("a look"));
    let listing = Listing { title: "Lamp".into(), description: "".into(), category: "home".into(), image_url: None };
    let amend = |fees, over| {
        let (terms, listing) = (terms(fees).into(), listing.clone().into());
        Act::Amend { by, key: key(), terms, listing, over }
    };
    for act in [
        Act::Pause { by, key: None, reason: reason.clone() },
        Act::Resume { by, key: key(), reason: None },
        Act::Resume { by, key: None, reason: Some(reason.clone()) },
        Act::Stop { by, key: key(), reason: reason.clone(), only_without_bids: true },
        Act::Void { by, key: key(), reason, seq: Seq(7) },
        amend(Fees::default(), None),
        amend(Fees { premium_bp: 250, commission_bp: 0 }, Some(Seq(0))),
        amend(Fees { premium_bp: 0, commission_bp: 1_000 }, Some(Seq(3))),
        Act::SetAllowance { bidder: by, amount: Money::ZERO, version: 4 },
    ] {
        assert!(matches!(arrived(&Ask::Act(act.clone())), Ask::Act(there) if there == act), "{act:?}");
    }
}

#[test]
fn a_bid_arrives_whole() {
    for barred in [None, Some(Barred::Banned), Some(Barred::Frozen)] {
        for offer in [Offer::Straight(money(1)), Offer::Max(Money::MAX), Offer::BuyNow] {
            for raise in [None, Some(Raise { amount: money(5), version: 3 })] {
                let bid = Bid { bidder: account(7), barred, key: key().unwrap(), offer };
                let there = arrived(&Ask::Bid(bid.clone(), raise));
                assert!(matches!(there, Ask::Bid(it, by) if (&it, by) == (&bid, raise)), "{bid:?} {raise:?}");
            }
        }
    }
}

#[test]
fn another_version_is_not_guessed_at() {
    let bytes = rmp_serde::to_vec(&Message(VERSION + 1, Vec::new())).unwrap();
    assert!(decode(&bytes).is_none());
}
