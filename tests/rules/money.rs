//! Allowances: a bidder goes no higher than what is set aside, and what leads stays covered.

use bidhub::domain::auction::{Command, Funds, Offer, Phase, Rejection, Terms};
use bidhub::domain::formats::English;

use crate::hall::*;

fn hall() -> Hall {
    Hall::open(Terms { funds: Funds::Required, ..terms(english()) })
}

fn insufficient(minor: i64) -> Rejection {
    Rejection::InsufficientFunds { allowance: money(minor) }
}

#[test]
fn a_ceiling_must_be_covered_whole() {
    let mut hall = hall();
    assert_eq!(hall.bid(A, max(5_00)), Err(insufficient(0)));
    hall.allow(A, 5_00, 1).unwrap();
    assert_eq!(hall.bid(A, max(5_01)), Err(insufficient(5_00)), "though the price would be 1.00");
    assert!(hall.bid(A, max(5_00)).is_ok());
    hall.assert_audited();
}

#[test]
fn the_price_of_buy_now_must_be_covered() {
    let format = English { buy_now: Some(money(9_00)), ..english() };
    let mut hall = Hall::open(Terms { funds: Funds::Required, ..terms(format) });
    hall.allow(A, 8_99, 1).unwrap();
    assert_eq!(hall.bid(A, Offer::BuyNow), Err(insufficient(8_99)));
    hall.allow(A, 9_00, 2).unwrap();
    assert!(hall.bid(A, Offer::BuyNow).is_ok());
}

#[test]
fn an_allowance_falls_no_lower_than_the_leading_ceiling_and_never_back_to_an_older_version() {
    let mut hall = hall();
    hall.allow(A, 50_00, 3).unwrap();
    hall.allow(B, 90_00, 1).unwrap();
    hall.bid(A, max(20_00)).unwrap();
    for (minor, version, expected) in [
        (60_00, 3, Some(Rejection::StaleAllowance)),
        (60_00, 2, Some(Rejection::StaleAllowance)),
        (19_99, 4, Some(Rejection::Leading)),
        (20_00, 4, None),
        (60_00, 5, None),
    ] {
        assert_eq!(hall.allow(A, minor, version).err(), expected, "{minor} as version {version}");
    }
    hall.bid(B, max(80_00)).unwrap();
    assert!(hall.allow(A, 0, 6).is_ok(), "who is outbid may take all back");
    assert_eq!(hall.bid(A, max(90_00)), Err(insufficient(0)));
    hall.ask(&Command::Tick, at(LASTS_S)).unwrap();
    assert_eq!(hall.allow_at(B, 0, 2, at(LASTS_S)), Err(Rejection::AuctionClosed));
    hall.assert_audited();
}

#[test]
fn an_allowance_rises_and_falls_until_the_end_and_not_after_it() {
    let plain = Terms { funds: Funds::Required, ..terms(english()) };
    let scheduled = Hall::scheduled(plain.clone());
    let open = Hall::open(plain);
    let mut paused = open.clone();
    paused.pause(at(5)).unwrap();
    let mut suspended = open.clone();
    suspended.state.phase = Phase::Suspended;
    for (hall, now) in [(scheduled, at(-5)), (open.clone(), at(5)), (paused, at(9)), (suspended, at(9))] {
        let mut hall = hall;
        for (minor, version) in [(5_00, 1), (90_00, 2), (1_00, 3), (0, 4)] {
            let set = hall.allow_at(A, minor, version, now).unwrap();
            assert_eq!(names(&set), ["allowance_set"], "{:?}", hall.state.phase);
            assert_eq!(hall.state.own(account(A)).allowance, money(minor));
        }
        assert_eq!(hall.allow_at(A, 9_00, 3, now), Err(Rejection::StaleAllowance));
    }

    let mut stopped = open.clone();
    stopped.allow(A, 5_00, 3).unwrap();
    let mut due = stopped.clone();
    stopped.stop(at(9), false).unwrap();
    for (hall, now, over) in [
        (&mut stopped, at(10), Rejection::AuctionStopped),
        // Due to end, though nobody has looked at the clock yet.
        (&mut due, at(LASTS_S), Rejection::AuctionClosed),
    ] {
        for (bidder, minor, version) in [(A, 9_00, 4), (A, 0, 4), (B, 1_00, 1)] {
            assert_eq!(hall.allow_at(bidder, minor, version, now), Err(over));
        }
        assert_eq!(hall.allow_at(A, 5_00, 3, now), Ok(vec![]), "it is so already");
        assert_eq!(hall.allow_at(A, 9_00, 2, now), Err(Rejection::StaleAllowance));
    }
}

#[test]
fn an_allowance_before_any_bid_gives_no_public_number() {
    let mut hall = hall();
    hall.allow(B, 50_00, 1).unwrap();
    hall.allow(A, 50_00, 1).unwrap();
    let own = hall.state.own(account(B));
    assert_eq!((own.alias, own.leading, own.max, own.allowance), (None, false, None, money(50_00)));
    assert_eq!(hall.state.aliases, 0);
    hall.bid(A, max(5_00)).unwrap();
    assert_eq!((hall.state.own(account(A)).alias, hall.state.own(account(B)).alias), (Some(1), None));
    hall.bid(B, max(9_00)).unwrap();
    assert_eq!(hall.state.own(account(B)).alias, Some(2));
    hall.assert_audited();
}

#[test]
fn what_must_be_set_aside_for_an_offer_is_its_ceiling_or_the_buy_now_price() {
    let plain = terms(english());
    let with_price = terms(English { buy_now: Some(money(9_00)), ..english() });
    for (offer, needed) in [(straight(5_00), 5_00), (max(7_00), 7_00), (Offer::BuyNow, 9_00)] {
        assert_eq!(with_price.needed(offer), Some(money(needed)));
    }
    assert_eq!(plain.needed(Offer::BuyNow), None);
}

#[test]
fn the_same_version_with_the_same_amount_is_done_already_and_nothing_happens_again() {
    let mut hall = hall();
    assert_eq!(names(&hall.allow(A, 50_00, 3).unwrap()), ["allowance_set"]);
    assert_eq!(hall.allow(A, 50_00, 3), Ok(vec![]));
    hall.bid(A, max(20_00)).unwrap();
    assert_eq!(hall.allow(A, 50_00, 3), Ok(vec![]), "a late copy");
    assert_eq!(hall.allow(A, 49_99, 3), Err(Rejection::StaleAllowance), "other content");
    hall.allow(A, 30_00, 4).unwrap();
    assert_eq!(hall.allow(A, 50_00, 3), Err(Rejection::StaleAllowance), "older by now");
    hall.ask(&Command::Tick, at(LASTS_S)).unwrap();
    assert_eq!(hall.allow(A, 30_00, 4), Ok(vec![]));
    hall.assert_audited();
}

#[test]
fn where_no_funds_are_asked_for_an_allowance_binds_nobody() {
    let mut hall = Hall::open(terms(english()));
    hall.bid(A, max(20_00)).unwrap();
    assert!(hall.allow(A, 1_00, 1).is_ok());
    assert!(hall.bid(A, max(90_00)).is_ok());
}
