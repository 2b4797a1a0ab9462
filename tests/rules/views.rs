//! What may be seen: the words of the contract, bidders by number, and an own part for each.

use bidhub::domain::auction::Command;
use bidhub::domain::auction::view::{PublicKind, Reserve};
use bidhub::domain::formats::English;

use crate::hall::*;

#[test]
fn the_public_state_follows_the_life_of_the_auction() {
    let mut hall = Hall::scheduled(terms(English { reserve: Some(money(9_00)), ..english() }));
    assert_eq!(hall.state.public().status, "scheduled");
    hall.ask(&Command::Tick, at(0)).unwrap();
    let open = hall.state.public();
    assert_eq!((open.status, open.price, open.leader, open.reserve), ("open", None, None, Reserve::NotMet));
    hall.bid(A, max(9_00)).unwrap();
    let bid = hall.state.public();
    assert_eq!((bid.price, bid.leader, bid.reserve, bid.bid_count), (Some(money(9_00)), Some(1), Reserve::Met, 1));
    hall.pause(at(11)).unwrap();
    assert_eq!(hall.state.public().status, "paused");
    hall.resume(at(12)).unwrap();
    hall.ask(&Command::Tick, at(LASTS_S + 1)).unwrap();
    let ended = hall.state.public();
    assert_eq!((ended.status, ended.winner), ("ended", Some(1)));
    assert_eq!(ended.outcome.map(|outcome| outcome.name()), Some("sold"));
}

#[test]
fn each_bidder_sees_the_own_part_alone() {
    let mut hall = Hall::open(terms(english()));
    assert_eq!(hall.state.own(account(A)).alias, None);
    hall.bid(A, max(50_00)).unwrap();
    hall.bid(B, max(80_00)).unwrap();
    let (a, b) = (hall.state.own(account(A)), hall.state.own(account(B)));
    assert_eq!((a.alias, a.leading, a.max), (Some(1), false, Some(money(50_00))));
    assert_eq!((b.alias, b.leading, b.max), (Some(2), true, Some(money(80_00))));
}

#[test]
fn an_amended_reserve_is_shown_as_being_there_and_no_more() {
    let mut hall = Hall::open(terms(english()));
    hall.amend(&terms(English { reserve: Some(money(77_777_777)), ..english() }), at(9)).unwrap();
    let shown = hall.log[1].public(&hall.terms).kind;
    let PublicKind::Amended { terms } = &shown else { panic!("{shown:?}") };
    assert!(terms.has_reserve);
    assert!(!format!("{shown:?}").contains("77777777"));
}
