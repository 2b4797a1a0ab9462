//! What staff do: pause and resume, stop, void; and what of it the seller may undo.

use bidhub::domain::auction::{Command, EventKind, Funds, Phase, Rejection, Terms};
use bidhub::domain::formats::English;
use bidhub::domain::{Seq, Span};

use crate::hall::*;

#[test]
fn a_pause_keeps_the_time_that_was_left_and_the_cap_moves_along() {
    let mut hall = Hall::open(terms(English { soft_close: Some(soft_close()), ..english() }));
    hall.bid_at(A, max(5_00), at(LASTS_S - 10)).unwrap();
    assert_eq!(hall.end_s(), LASTS_S + 50);
    let paused = hall.pause(at_ms(LASTS_S * 1_000 + 49_999)).unwrap();
    let EventKind::Paused { time_left, .. } = paused[0] else { panic!("{paused:?}") };
    assert_eq!(time_left, Span::from_millis(1));
    assert_eq!(hall.state.due_at(), None);
    assert_eq!(hall.bid_at(B, max(9_00), at(LASTS_S + 50)), Err(Rejection::AuctionPaused));
    assert_eq!(hall.ask(&Command::Tick, at(9 * LASTS_S)), Ok(vec![]), "a paused auction never ends");
    assert_eq!(hall.pause(at(9 * LASTS_S)), Err(Rejection::AuctionPaused));
    hall.resume(at(9 * LASTS_S)).unwrap();
    assert_eq!(hall.state.due_at(), Some(at_ms(9 * LASTS_S * 1_000 + 1)));
    hall.bid_at(B, max(9_00), at(9 * LASTS_S)).unwrap();
    assert_eq!(hall.end_s(), 9 * LASTS_S + 60);
    assert_eq!(hall.state.cap, at_ms(9 * LASTS_S * 1_000 + 100_001));
    hall.assert_audited();
}

#[test]
fn pause_and_resume_where_they_mean_nothing() {
    let mut hall = Hall::scheduled(terms(english()));
    assert_eq!(hall.pause(at(-9)), Err(Rejection::AuctionNotOpen));
    assert_eq!(hall.resume(at(-9)), Err(Rejection::NotPaused));
    hall.ask(&Command::Tick, at(0)).unwrap();
    assert_eq!(hall.resume(at(9)), Err(Rejection::NotPaused));
    assert_eq!(hall.pause(at(LASTS_S)), Err(Rejection::AuctionClosed));
    let mut stopped = hall.clone();
    stopped.stop(at(9), false).unwrap();
    assert_eq!(stopped.pause(at(9)), Err(Rejection::AuctionStopped));
    assert_eq!(stopped.resume(at(9)), Err(Rejection::AuctionStopped));
    hall.ask(&Command::Tick, at(LASTS_S)).unwrap();
    assert_eq!(hall.resume(at(LASTS_S)), Err(Rejection::AuctionClosed));
}

#[test]
fn a_stop_is_final_and_a_sellers_stop_needs_an_auction_without_bids() {
    let mut hall = Hall::open(terms(english()));
    let mut early = Hall::scheduled(terms(english()));
    assert_eq!(names(&early.stop(at(-9), true).unwrap()), ["stopped"]);
    assert_eq!(early.ask(&Command::Tick, at(0)), Ok(vec![]));
    hall.bid(A, max(5_00)).unwrap();
    assert_eq!(hall.stop(at(11), true), Err(Rejection::HasBids));
    hall.void_at(2, at(11)).unwrap();
    assert_eq!(hall.stop(at(11), true), Err(Rejection::HasBids), "a voided bid was a bid");
    let mut paused = hall.clone();
    paused.pause(at(12)).unwrap();
    assert_eq!(names(&paused.stop(at(13), false).unwrap()), ["stopped"]);
    assert_eq!(hall.clone().stop(at(LASTS_S), false), Err(Rejection::AuctionClosed));
    hall.stop(at(12), false).unwrap();
    assert_eq!(hall.stop(at(13), false), Err(Rejection::AuctionStopped));
    assert_eq!((hall.state.phase, hall.state.is_over(), hall.state.due_at()), (Phase::Stopped, true, None));
    hall.assert_audited();
}

#[test]
fn a_void_recomputes_the_race_over_the_bids_that_are_left() {
    let mut hall = Hall::open(terms(English { reserve: Some(money(120_00)), ..english() }));
    hall.bid(A, max(100_00)).unwrap(); // 2
    hall.bid(B, max(60_00)).unwrap(); // 3
    hall.bid(C, max(150_00)).unwrap(); // 4, and 5 is the reserve
    assert_eq!(hall.standing(), (120_00, 3));
    for (seq, standing, minimum) in [(4, (61_00, 1), 62_00), (2, (1_00, 2), 1_25), (3, (0, 0), 1_00)] {
        hall.void(seq).unwrap();
        assert_eq!(hall.standing(), standing, "after the void of {seq}");
        assert_eq!(hall.state.minimum_bid(), money(minimum));
        assert_eq!(hall.void(seq), Err(Rejection::UnknownBid), "a second time");
    }
    assert_eq!((hall.state.standing.bid_count, hall.state.standing.reserve_met), (0, false));
    assert_eq!(names(&hall.bid(C, max(150_00)).unwrap()), ["bid", "reserve_met"], "announced anew");
    assert_eq!(hall.standing(), (120_00, 3), "under the same number as before");
    hall.assert_audited();
}

#[test]
fn a_void_cuts_ceilings_to_what_is_set_aside_now() {
    let mut hall = Hall::open(Terms { funds: Funds::Required, ..terms(english()) });
    [A, B, C].into_iter().for_each(|bidder| drop(hall.allow(bidder, 500_00, 1).unwrap())); // 2, 3, 4
    hall.bid(A, max(50_00)).unwrap(); // 5
    hall.bid(B, max(100_00)).unwrap(); // 6
    hall.bid(C, max(300_00)).unwrap(); // 7
    hall.allow(B, 40_00, 2).unwrap(); // 8
    hall.allow(A, 0, 2).unwrap(); // 9
    hall.void(7).unwrap();
    assert_eq!(hall.standing(), (1_00, 2));
    assert_eq!(hall.state.own(account(B)).max, Some(money(40_00)), "the ceiling that leads, not the one once offered");
    assert_eq!(hall.bid(B, max(40_00)), Err(Rejection::MaxNotRaised { your_max: money(40_00) }));
    hall.assert_audited();
}

#[test]
fn a_bid_that_a_void_cuts_never_pulls_the_price_below_what_an_earlier_one_reached() {
    let mut hall = Hall::open(Terms { funds: Funds::Required, ..terms(english()) });
    let bidders = [(A, 100_00), (B, 60_00), (C, 80_00), (C + 1, 90_00)];
    bidders.iter().for_each(|&(bidder, minor)| drop(hall.allow(bidder, minor, 1).unwrap())); // 2 to 5
    bidders.iter().for_each(|&(bidder, minor)| drop(hall.bid(bidder, max(minor)).unwrap())); // 6 to 9
    assert_eq!(hall.standing(), (91_00, 1));
    hall.allow(C, 30_00, 2).unwrap();
    hall.void(9).unwrap();
    assert_eq!(hall.standing(), (61_00, 1));
    hall.assert_audited();
}

#[test]
fn a_void_keeps_end_and_is_refused_after_it() {
    let mut hall = Hall::open(terms(English { soft_close: Some(soft_close()), ..english() }));
    assert_eq!(Hall::scheduled(terms(english())).void(1), Err(Rejection::AuctionNotOpen));
    assert_eq!(hall.void(1), Err(Rejection::UnknownBid), "an event that is no bid");
    hall.bid_at(A, max(5_00), at(LASTS_S - 1)).unwrap();
    hall.void_at(2, at(LASTS_S + 58)).unwrap();
    assert_eq!(hall.end_s(), LASTS_S + 59);
    hall.bid_at(B, max(5_00), at(LASTS_S + 58)).unwrap();
    let seq = hall.prior[0].seq;
    assert_ne!(seq, Seq(2));
    let mut paused = hall.clone();
    paused.pause(at(LASTS_S + 60)).unwrap();
    assert!(paused.void_at(seq.0, at(9 * LASTS_S)).is_ok());
    assert_eq!(hall.clone().void_at(seq.0, hall.state.ends_at), Err(Rejection::AuctionClosed), "no tick came yet");
    hall.ask(&Command::Tick, at(2 * LASTS_S)).unwrap();
    assert_eq!(hall.void_at(seq.0, at(2 * LASTS_S)), Err(Rejection::AuctionClosed));
}

#[test]
fn an_amendment_that_keeps_the_end_keeps_what_was_given_back() {
    let plain = terms(English { soft_close: Some(soft_close()), ..english() });
    let mut wider = plain.clone();
    wider.grace = Span::from_secs(45);
    let mut paused = Hall::open(plain.clone());
    paused.pause(at(1_000)).unwrap();
    paused.amend(&wider, at(3_000)).unwrap();
    paused.resume(at(3_000)).unwrap();
    assert_eq!(paused.end_s(), LASTS_S + 2_000);
    paused.amend(&plain, at(3_001)).unwrap();
    assert_eq!(paused.end_s(), LASTS_S + 2_000);
    assert_eq!(paused.state.cap, at(LASTS_S + 2_150));
    paused.assert_audited();
}

#[test]
fn an_amendment_with_a_new_end_means_that_end() {
    let plain = terms(English { soft_close: Some(soft_close()), ..english() });
    let mut later = plain.clone();
    later.ends_at = at(2 * LASTS_S);
    let mut hall = Hall::open(plain);
    hall.pause(at(1_000)).unwrap();
    hall.amend(&later, at(2_000)).unwrap();
    assert_eq!(hall.state.phase, Phase::Paused { time_left: Span::from_millis((2 * LASTS_S - 2_000) * 1_000) });
    hall.resume(at(2_500)).unwrap();
    assert_eq!(hall.end_s(), 2 * LASTS_S + 500);
    assert_eq!(hall.state.cap, at(2 * LASTS_S + 650));
    hall.assert_audited();
}
