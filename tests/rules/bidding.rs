//! Price, leader and minimum: one row per bid.

use bidhub::domain::auction::{Offer, Rejection};
use bidhub::domain::formats::English;

use crate::hall::*;

/// What a bid leads to: the price, the leader's number and the minimum after it, or why not.
type Row = (u128, Offer, Result<(i64, u32, i64), Rejection>);

fn play(format: English, rows: &[Row]) {
    let mut hall = Hall::open(terms(format));
    for (number, (bidder, offer, expected)) in rows.iter().enumerate() {
        let before = hall.state.clone();
        let result = hall.bid(*bidder, *offer);
        let came = result.map(|_| {
            let (price, leader) = hall.standing();
            (price, leader, hall.state.minimum_bid().minor_units())
        });
        assert_eq!(came, *expected, "bid {}: {bidder} offers {offer:?}", number + 1);
        if came.is_err() {
            assert_eq!(hall.state, before, "a refused bid changed something");
        }
    }
    hall.assert_audited();
}

fn too_low(minimum: i64) -> Result<(i64, u32, i64), Rejection> {
    Err(Rejection::BidTooLow { minimum: money(minimum) })
}

fn not_raised(your_max: i64) -> Result<(i64, u32, i64), Rejection> {
    Err(Rejection::MaxNotRaised { your_max: money(your_max) })
}

#[test]
fn the_first_bid() {
    play(english(), &[(A, max(99), too_low(1_00)), (A, max(50_00), Ok((1_00, 1, 1_25)))]);
    play(english(), &[(A, straight(99), too_low(1_00)), (A, straight(50_00), Ok((50_00, 1, 51_00)))]);
    play(english(), &[(A, max(1_00), Ok((1_00, 1, 1_25)))]);
}

#[test]
fn the_worked_chain_of_the_rules() {
    play(
        english(),
        &[
            (A, max(100_00), Ok((1_00, 1, 1_25))),
            (B, max(60_00), Ok((61_00, 1, 62_00))),
            (A, max(150_00), Ok((61_00, 1, 62_00))),
        ],
    );
    let opened = [(A, max(100_00), Ok((1_00, 1, 1_25))), (B, max(60_00), Ok((61_00, 1, 62_00)))];
    play(english(), &[opened[0], opened[1], (C, max(100_50), Ok((100_50, 3, 103_00)))]);
    play(english(), &[opened[0], (B, max(100_00), Ok((100_00, 1, 102_50)))]);
}

#[test]
fn the_reserve_is_reached_as_soon_as_the_leading_ceiling_reaches_it() {
    let reserve = English { reserve: Some(money(120_00)), ..english() };
    play(
        reserve.clone(),
        &[
            (A, max(100_00), Ok((1_00, 1, 1_25))),
            (B, max(60_00), Ok((61_00, 1, 62_00))),
            (A, max(150_00), Ok((120_00, 1, 122_50))),
        ],
    );
    play(reserve.clone(), &[(A, max(119_99), Ok((1_00, 1, 1_25))), (B, max(119_98), Ok((119_99, 1, 122_49)))]);
    play(reserve.clone(), &[(A, max(120_00), Ok((120_00, 1, 122_50)))]);
    play(reserve, &[(A, straight(120_00), Ok((120_00, 1, 122_50)))]);
}

#[test]
fn the_reserve_is_announced_once_and_after_its_bid() {
    let mut hall = Hall::open(terms(English { reserve: Some(money(120_00)), ..english() }));
    for (bidder, offer, expected) in [
        (A, max(100_00), vec!["bid"]),
        (A, max(150_00), vec!["bid", "reserve_met"]),
        (B, max(140_00), vec!["bid"]),
        (A, straight(160_00), vec!["bid"]),
    ] {
        assert_eq!(names(&hall.bid(bidder, offer).unwrap()), expected, "{offer:?}");
    }
}

#[test]
fn a_challenger_above_the_leader_pays_one_step_more_than_the_leader_would_have() {
    let lead = (A, max(50_00), Ok((1_00, 1, 1_25)));
    play(english(), &[lead, (B, max(80_00), Ok((51_00, 2, 52_00)))]);
    play(english(), &[lead, (B, max(50_01), Ok((50_01, 2, 51_01)))]);
    play(english(), &[lead, (B, max(51_00), Ok((51_00, 2, 52_00)))]);
    play(english(), &[lead, (B, straight(80_00), Ok((80_00, 2, 81_00)))]);
}

#[test]
fn a_challenger_below_the_leader_raises_the_price_and_the_earlier_wins_a_tie() {
    let lead = (A, max(50_00), Ok((1_00, 1, 1_25)));
    play(english(), &[lead, (B, max(1_24), too_low(1_25)), (B, max(1_25), Ok((1_50, 1, 1_75)))]);
    play(english(), &[lead, (B, max(49_99), Ok((50_00, 1, 51_00)))]);
    play(english(), &[lead, (B, max(50_00), Ok((50_00, 1, 51_00))), (C, max(50_00), too_low(51_00))]);
    play(english(), &[lead, (B, straight(20_00), Ok((20_50, 1, 21_00)))]);
    play(english(), &[lead, (B, straight(50_00), Ok((50_00, 1, 51_00)))]);
}

#[test]
fn the_leader_raises_by_any_amount_above_the_own_ceiling() {
    let lead = (A, max(50_00), Ok((1_00, 1, 1_25)));
    play(english(), &[lead, (A, max(50_00), not_raised(50_00)), (A, max(50_01), Ok((1_00, 1, 1_25)))]);
    play(english(), &[lead, (A, max(20), not_raised(50_00))]);
    play(english(), &[lead, (A, straight(50_00), not_raised(50_00)), (A, straight(50_01), Ok((50_01, 1, 51_01)))]);
    let straight_lead = (A, straight(50_00), Ok((50_00, 1, 51_00)));
    play(english(), &[straight_lead, (A, max(50_50), Ok((50_00, 1, 51_00))), (B, max(51_00), Ok((51_00, 2, 52_00)))]);
}

#[test]
fn amounts_at_the_very_top_neither_overflow_nor_lower_the_price() {
    let top = bidhub::domain::Money::MAX.minor_units();
    play(
        english(),
        &[
            (A, max(top), Ok((1_00, 1, 1_25))),
            (A, max(top), not_raised(top)),
            (B, max(top), Ok((top, 1, top))),
            (C, straight(top), Ok((top, 1, top))),
            (C, straight(top - 1), too_low(top)),
        ],
    );
}

#[test]
fn what_is_shown_of_a_bid_is_what_it_visibly_reached() {
    use bidhub::domain::auction::EventKind;
    let mut hall = Hall::open(terms(english()));
    for (bidder, offer, amount, leading) in [
        (A, max(100_00), 1_00, true),
        (B, max(60_00), 60_00, false),
        (A, max(150_00), 61_00, true),
        (C, straight(70_00), 70_00, false),
        (B, max(200_00), 152_50, true),
        (C, straight(170_00), 170_00, false),
        (A, straight(250_00), 250_00, true),
    ] {
        let events = hall.bid(bidder, offer).unwrap();
        let EventKind::Bid(bid) = &events[0] else { panic!("{events:?}") };
        assert_eq!((bid.amount.minor_units(), bid.leading), (amount, leading), "{offer:?}");
    }
}
