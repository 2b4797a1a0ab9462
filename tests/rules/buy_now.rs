//! Buying at once: while it is offered, and no longer.

use bidhub::domain::auction::{EventKind, Offer, Outcome, Phase, Rejection, Winner};
use bidhub::domain::formats::{English, english::BuyNowUntil};

use crate::hall::*;

fn hall(until: BuyNowUntil) -> Hall {
    let reserve = Some(money(80_00));
    Hall::open(terms(English { reserve, buy_now: Some(money(120_00)), buy_now_until: until, ..english() }))
}

#[test]
fn it_ends_the_auction_at_once() {
    let mut hall = hall(BuyNowUntil::FirstBid);
    let events = hall.bid(A, Offer::BuyNow).unwrap();
    assert_eq!(names(&events), ["bid", "reserve_met", "ended"]);
    let winner = Some(Winner { account: account(A), alias: 1 });
    assert_eq!(events[2], EventKind::Ended { outcome: Outcome::BoughtNow, price: Some(money(120_00)), winner });
    assert_eq!(hall.state.phase, Phase::Ended { outcome: Outcome::BoughtNow, winner });
    assert_eq!(hall.bid(B, max(500_00)), Err(Rejection::AuctionClosed));
    assert_eq!(hall.state.due_at(), None);
    hall.assert_audited();
}

#[test]
fn it_never_extends_inside_the_closing_window() {
    let format = English { buy_now: Some(money(120_00)), soft_close: Some(soft_close()), ..english() };
    let mut hall = Hall::open(terms(format));
    assert_eq!(names(&hall.bid_at(A, Offer::BuyNow, at(LASTS_S - 1)).unwrap()), ["bid", "ended"]);
}

#[test]
fn until_the_first_bid() {
    let mut hall = hall(BuyNowUntil::FirstBid);
    hall.bid(A, max(2_00)).unwrap();
    assert_eq!(hall.state.public().buy_now, None);
    assert_eq!(hall.bid(B, Offer::BuyNow), Err(Rejection::BuyNowUnavailable));
}

#[test]
fn until_the_reserve_is_met() {
    let mut hall = hall(BuyNowUntil::ReserveMet);
    hall.bid(A, max(79_99)).unwrap();
    hall.bid(B, max(50_00)).unwrap();
    assert_eq!(hall.state.public().buy_now, Some(money(120_00)));
    let mut bought = hall.clone();
    assert_eq!(names(&bought.bid(A, Offer::BuyNow).unwrap()), ["bid", "reserve_met", "ended"]);
    assert_eq!(bought.standing(), (120_00, 1));
    bought.assert_audited();
    hall.bid(B, max(80_00)).unwrap();
    assert_eq!(hall.state.public().buy_now, None);
    assert_eq!(hall.bid(B, Offer::BuyNow), Err(Rejection::BuyNowUnavailable));
}

#[test]
fn where_none_is_set_none_is_offered() {
    assert_eq!(Hall::open(terms(english())).bid(A, Offer::BuyNow), Err(Rejection::BuyNowUnavailable));
}
