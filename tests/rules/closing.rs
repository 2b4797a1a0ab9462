//! Opening, the end, and how late bids move it.

use bidhub::domain::auction::{Command, EventKind, ExtensionCause, Outcome, Phase, Rejection};
use bidhub::domain::formats::English;

use crate::hall::*;

fn soft() -> Hall {
    Hall::open(terms(English { soft_close: Some(soft_close()), ..english() }))
}

#[test]
fn an_auction_opens_at_its_start_and_not_before() {
    let mut hall = Hall::scheduled(terms(english()));
    assert_eq!(hall.state.due_at(), Some(at(0)));
    assert_eq!(hall.ask(&Command::Tick, at_ms(-1)), Ok(vec![]));
    assert_eq!(hall.bid_at(A, max(2_00), at_ms(-1)), Err(Rejection::AuctionNotOpen));
    assert_eq!(hall.ask(&Command::Tick, at(0)), Ok(vec![EventKind::Opened { ends_at: at(LASTS_S) }]));
    assert_eq!(hall.state.due_at(), Some(at(LASTS_S)));
    assert_eq!(hall.ask(&Command::Tick, at(0)), Ok(vec![]), "a second tick finds nothing to do");
    assert!(hall.bid_at(A, max(2_00), at(0)).is_ok());
}

#[test]
fn one_that_slept_through_its_time_opens_first_and_then_closes() {
    let mut hall = Hall::scheduled(terms(english()));
    assert_eq!(names(&hall.ask(&Command::Tick, at(LASTS_S + 5)).unwrap()), ["opened"]);
    assert_eq!(hall.bid_at(A, max(2_00), at(LASTS_S + 5)), Err(Rejection::AuctionClosed));
    assert_eq!(names(&hall.ask(&Command::Tick, at(LASTS_S + 5)).unwrap()), ["ended"]);
    assert!(hall.state.is_over());
    hall.assert_audited();
}

#[test]
fn the_end_is_the_first_moment_that_is_too_late() {
    let mut hall = Hall::open(terms(english()));
    assert!(hall.bid_at(A, max(2_00), at_ms(LASTS_S * 1_000 - 1)).is_ok());
    assert_eq!(hall.bid_at(B, max(5_00), at(LASTS_S)), Err(Rejection::AuctionClosed), "though no tick came yet");
    assert_eq!(hall.ask(&Command::Tick, at_ms(LASTS_S * 1_000 - 1)), Ok(vec![]));
    assert_eq!(names(&hall.ask(&Command::Tick, at(LASTS_S)).unwrap()), ["ended"]);
    assert_eq!(hall.ask(&Command::Tick, at(LASTS_S + 1)), Ok(vec![]));
}

#[test]
fn how_it_ends_depends_on_bids_and_reserve() {
    for (reserve, bid, outcome, price) in [
        (None, None, Outcome::Unsold, None),
        (None, Some(max(5_00)), Outcome::Sold, Some(money(1_00))),
        (Some(money(9_00)), Some(max(8_99)), Outcome::Unsold, None),
        (Some(money(9_00)), Some(max(9_00)), Outcome::Sold, Some(money(9_00))),
    ] {
        let mut hall = Hall::open(terms(English { reserve, ..english() }));
        if let Some(offer) = bid {
            hall.bid(A, offer).unwrap();
        }
        let events = hall.ask(&Command::Tick, at(LASTS_S)).unwrap();
        let EventKind::Ended { outcome: came, price: paid, winner } = events[0] else { panic!("{events:?}") };
        assert_eq!((came, paid), (outcome, price), "reserve {reserve:?}, bid {bid:?}");
        assert_eq!(winner.map(|winner| winner.account), price.map(|_| account(A)));
    }
}

#[test]
fn a_bid_moves_the_end_from_the_first_moment_of_the_window_on() {
    for (millis, end) in [
        (LASTS_S * 1_000 - 60_001, None),
        (LASTS_S * 1_000 - 60_000, None), // the end would be the same
        (LASTS_S * 1_000 - 59_999, Some(LASTS_S * 1_000 + 1)),
        (LASTS_S * 1_000 - 1, Some(LASTS_S * 1_000 + 59_999)),
    ] {
        let mut hall = soft();
        let events = hall.bid_at(A, max(5_00), at_ms(millis)).unwrap();
        let moved = end.map(|end| EventKind::Extended { ends_at: at_ms(end), cause: ExtensionCause::SoftClose });
        assert_eq!(events.get(1), moved.as_ref(), "a bid at {millis} ms");
        hall.assert_audited();
    }
}

#[test]
fn a_window_shorter_than_the_extension_holds_on_its_first_moment() {
    let mut rule = soft_close();
    rule.window = bidhub::domain::Span::from_secs(30);
    for (millis, moves) in [(LASTS_S * 1_000 - 30_001, false), (LASTS_S * 1_000 - 30_000, true)] {
        let mut hall = Hall::open(terms(English { soft_close: Some(rule), ..english() }));
        assert_eq!(hall.bid_at(A, max(5_00), at_ms(millis)).unwrap().len() == 2, moves, "a bid at {millis} ms");
    }
}

#[test]
fn the_end_never_moves_beyond_the_cap() {
    let mut hall = soft();
    let rows = [(LASTS_S - 1, 59), (LASTS_S + 58, 118), (LASTS_S + 117, 150), (LASTS_S + 149, 150)];
    for (number, (second, end)) in rows.into_iter().enumerate() {
        let events = hall.bid_at(A + number as u128, max(5_00 * (number as i64 + 1)), at(second)).unwrap();
        assert_eq!(hall.end_s(), LASTS_S + end, "{events:?}");
    }
    assert_eq!(hall.bid_at(A, max(90_00), at(LASTS_S + 150)), Err(Rejection::AuctionClosed));
    hall.assert_audited();
}

#[test]
fn a_rejected_bid_never_extends_and_neither_does_a_repeated_key() {
    let mut hall = soft();
    hall.bid(A, max(5_00)).unwrap();
    let late = at(LASTS_S - 1);
    for (bidder, offer) in [(A, max(5_00)), (B, max(1)), (SELLER, max(9_00))] {
        assert!(hall.bid_at(bidder, offer, late).is_err());
        assert_eq!(hall.end_s(), LASTS_S);
    }
    let again = bidhub::domain::auction::Bid { bidder: account(A), barred: None, key: key("k1"), offer: max(5_00) };
    assert_eq!(hall.ask(&Command::Bid(again), late), Ok(vec![]));
    assert_eq!(hall.end_s(), LASTS_S);
    assert_eq!(names(&hall.bid_at(A, max(6_00), late).unwrap()), ["bid", "extended"], "a raise is a bid as any other");
}

#[test]
fn moments_that_run_backwards_never_reach_the_log() {
    let mut hall = Hall::open(terms(english()));
    hall.bid_at(A, max(5_00), at(100)).unwrap();
    hall.bid_at(B, max(9_00), at(50)).unwrap();
    assert_eq!(hall.log.last().unwrap().at, at(100));
    assert_eq!(hall.state.phase, Phase::Open);
}
