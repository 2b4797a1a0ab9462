//! Exactly once: the same key gets the first verdict, before every other check and after the end.

use bidhub::domain::auction::{Barred, Bid, Command, KEY_RETENTION, KEYS_PER_BIDDER, Offer, Rejection, Verdict};
use bidhub::domain::formats::English;
use bidhub::domain::{Money, Seq, Timestamp};

use crate::hall::*;

fn sent(bidder: u128, name: &str, offer: Offer) -> Command {
    Command::Bid(Bid { bidder: account(bidder), barred: None, key: key(name), offer })
}

/// Asks again in `hall` and expects that nothing happens and the first verdict stands.
fn assert_same_verdict(hall: &Hall, command: &Command, now: Timestamp, first: Verdict) {
    let Command::Bid(bid) = command else { panic!("not a bid") };
    assert_eq!(hall.state.decide(command, now), Ok(vec![]));
    assert_eq!(hall.state.verdict(bid.bidder, &bid.key), Some(first));
}

#[test]
fn the_same_key_gets_the_first_verdict_whatever_has_happened_since() {
    let mut hall = Hall::open(terms(english()));
    let first = sent(A, "once", max(10_00));
    hall.ask(&first, at(10)).unwrap();
    let money = |minor| Money::new(minor).unwrap();
    let (price, minimum_bid, your_max) = (money(1_00), money(1_25), money(10_00));
    let verdict = Verdict { seq: Seq(2), leading: true, price, minimum_bid, your_max };
    assert_same_verdict(&hall, &first, at(11), verdict);
    hall.bid(B, max(50_00)).unwrap();
    assert_same_verdict(&hall, &first, at(12), verdict);
    hall.pause(at(13)).unwrap();
    assert_same_verdict(&hall, &first, at(14), verdict);
    hall.void_at(2, at(14)).unwrap();
    assert_same_verdict(&hall, &first, at(15), verdict);
    hall.resume(at(20)).unwrap();
    let mut stopped = hall.clone();
    stopped.stop(at(21), false).unwrap();
    assert_same_verdict(&stopped, &first, at(22), verdict);
    assert_same_verdict(&hall, &first, at(2 * LASTS_S), verdict);
    hall.ask(&Command::Tick, at(2 * LASTS_S)).unwrap();
    assert_same_verdict(&hall, &first, at(2 * LASTS_S), verdict);
    hall.assert_audited();
}

#[test]
fn the_look_up_comes_before_every_other_check() {
    let mut hall = Hall::open(terms(english()));
    hall.ask(&sent(A, "once", max(10_00)), at(10)).unwrap();
    let banned =
        Command::Bid(Bid { bidder: account(A), barred: Some(Barred::Banned), key: key("once"), offer: max(10_00) });
    assert_eq!(hall.state.decide(&banned, at(10)), Ok(vec![]), "banned since");
    for (offer, now) in [
        (max(10_01), at(10)),
        (straight(10_00), at(10)),
        (Offer::BuyNow, at(10)),
        (max(1), at(10)),
        (max(10_01), at(LASTS_S)),
    ] {
        assert_eq!(hall.state.decide(&sent(A, "once", offer), now), Err(Rejection::KeyReused), "{offer:?}");
    }
}

#[test]
fn keys_are_each_bidders_own_and_a_refused_bid_leaves_its_key_open() {
    let mut hall = Hall::open(terms(english()));
    assert!(hall.ask(&sent(A, "k", max(50)), at(10)).is_err());
    assert_eq!(names(&hall.ask(&sent(A, "k", max(10_00)), at(10)).unwrap()), ["bid"]);
    assert_eq!(names(&hall.ask(&sent(B, "k", max(20_00)), at(10)).unwrap()), ["bid"]);
}

#[test]
fn a_young_key_is_never_forgotten_and_an_old_one_makes_room() {
    let mut hall = Hall::open(terms(English { opening_price: money(1), ..english() }));
    let raise = |number: usize| sent(A, &format!("n{number}"), max(number as i64 + 1));
    for number in 0..KEYS_PER_BIDDER {
        hall.ask(&raise(number), at(10)).unwrap();
    }
    let one_more = raise(KEYS_PER_BIDDER);
    let free = at(10).plus(KEY_RETENTION);
    let before = Timestamp::from_millis(free.millis() - 1);
    assert_eq!(hall.ask(&one_more, before), Err(Rejection::RateLimited));
    assert!(!Rejection::RateLimited.is_final(), "the key stays open");
    assert_eq!(names(&hall.ask(&one_more, free).unwrap()), ["bid"]);
    let keys = &hall.state.bidder(account(A)).unwrap().keys;
    assert_eq!(keys.len(), KEYS_PER_BIDDER);
    assert!(keys.get(&key("n0")).is_none() && keys.get(&key("n1")).is_some());
    assert_eq!(keys.iter().next().unwrap().0, &key("n1"));
}

#[test]
fn a_full_memory_never_hides_that_the_auction_is_over() {
    let mut hall = Hall::open(terms(English { opening_price: money(1), ..english() }));
    for number in 0..KEYS_PER_BIDDER {
        let late = at_ms(LASTS_S * 1_000 - 1);
        hall.ask(&sent(A, &format!("n{number}"), max(number as i64 + 1)), late).unwrap();
    }
    assert_eq!(hall.ask(&sent(A, "late", max(90_000)), at(LASTS_S)), Err(Rejection::AuctionClosed));
}
