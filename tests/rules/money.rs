//! Allowances: a bidder goes no higher than what is set aside, and what leads stays covered.

use bidhub::domain::auction::{Command, Funds, Rejection, Terms};
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
    assert_eq!(hall.bid(A, bidhub::domain::auction::Offer::BuyNow), Err(insufficient(8_99)));
    hall.allow(A, 9_00, 2).unwrap();
    assert!(hall.bid(A, bidhub::domain::auction::Offer::BuyNow).is_ok());
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
    assert!(hall.allow(B, 0, 2).is_ok(), "after the end the room holds nothing up");
    hall.assert_audited();
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
