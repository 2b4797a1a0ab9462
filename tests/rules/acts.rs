//! Acts under a key: done once, answered as at first, whatever has happened since.

use bidhub::domain::auction::{ACTS_REMEMBERED, Asked, Command, KEY_RETENTION, Rejection};
use bidhub::domain::{BidKey, Seq, Timestamp};

use crate::hall::*;

fn pause(name: &str, reason: &str) -> Command {
    Command::Pause { by: account(STAFF), key: Some(key(name)), reason: reason.into() }
}

fn resume(name: &str) -> Command {
    Command::Resume { by: account(STAFF), key: Some(key(name)), reason: None }
}

fn stop(name: &str, reason: &str) -> Command {
    Command::Stop { by: account(STAFF), key: Some(key(name)), reason: reason.into(), only_without_bids: false }
}

fn done(hall: &Hall, name: &str) -> Option<Seq> {
    hall.state.done(account(STAFF), &key(name)).map(|act| act.seq)
}

/// Nothing happens, and the first answer stands.
fn assert_done_once(hall: &Hall, command: &Command, name: &str, now: Timestamp, seq: u64) {
    assert_eq!(hall.state.decide(command, now), Ok(vec![]), "{command:?}");
    assert_eq!(done(hall, name), Some(Seq(seq)));
}

#[test]
fn an_act_is_done_once_under_its_key_whatever_has_happened_since() {
    let mut hall = Hall::open(terms(english()));
    hall.bid(A, max(10_00)).unwrap(); // 2
    let halt = pause("p", "a look");
    hall.ask(&halt, at(11)).unwrap(); // 3
    assert_done_once(&hall, &halt, "p", at(12), 3);
    hall.ask(&resume("r"), at(20)).unwrap(); // 4
    assert_done_once(&hall, &resume("r"), "r", at(21), 4);
    assert_done_once(&hall, &halt, "p", at(21), 3);
    let (by, bids) = (account(STAFF), hall.prior.clone());
    let void = Command::Void { by, key: Some(key("v")), reason: "shill".into(), seq: Seq(2), bids };
    hall.ask(&void, at(22)).unwrap(); // 5
    assert_done_once(&hall, &void, "v", at(23), 5);
    let no_longer_listed = Command::Void { by, key: Some(key("v")), reason: "shill".into(), seq: Seq(2), bids: vec![] };
    assert_done_once(&hall, &no_longer_listed, "v", at(23), 5);
    hall.ask(&stop("s", "a fake"), at(24)).unwrap(); // 6
    for (command, name, seq) in [(halt, "p", 3), (resume("r"), "r", 4), (void, "v", 5), (stop("s", "a fake"), "s", 6)] {
        assert_done_once(&hall, &command, name, at(9 * LASTS_S), seq);
    }
    hall.assert_audited();
}

#[test]
fn an_amendment_is_done_once_under_its_key() {
    let mut hall = Hall::scheduled(terms(english()));
    let amend = Command::Amend {
        by: account(SELLER),
        key: Some(key("a")),
        terms: Box::new(terms(english())),
        listing: Box::new(listing()),
        over: Some(Seq(0)),
    };
    assert_eq!(names(&hall.ask(&amend, at(-5)).unwrap()), ["amended"]);
    assert_eq!(hall.ask(&amend, at(-4)), Ok(vec![]));
    hall.ask(&Command::Tick, at(0)).unwrap();
    hall.bid(A, max(10_00)).unwrap();
    assert_eq!(hall.ask(&amend, at(20)), Ok(vec![]), "the terms stand by now, but this was done before");
    hall.assert_audited();
}

#[test]
fn a_key_with_other_content_is_refused_before_every_other_check() {
    let mut hall = Hall::open(terms(english()));
    hall.ask(&pause("k", "a look"), at(11)).unwrap();
    let others = [pause("k", "another look"), resume("k"), stop("k", "a look")];
    for other in &others {
        assert_eq!(hall.state.decide(other, at(12)), Err(Rejection::KeyReused));
    }
    hall.stop(at(13), false).unwrap();
    for other in &others {
        assert_eq!(hall.state.decide(other, at(9 * LASTS_S)), Err(Rejection::KeyReused), "after the end too");
    }
}

#[test]
fn keys_are_each_accounts_own_and_a_refused_act_leaves_its_key_open() {
    let mut hall = Hall::open(terms(english()));
    assert_eq!(hall.ask(&resume("k"), at(10)), Err(Rejection::NotPaused));
    assert_eq!(done(&hall, "k"), None);
    hall.ask(&pause("k", "a look"), at(11)).unwrap();
    let other = Command::Resume { by: account(STAFF + 100), key: Some(key("k")), reason: None };
    assert_eq!(names(&hall.ask(&other, at(12)).unwrap()), ["resumed"]);
    assert_eq!(
        hall.pause(at(13)).map(|events| names(&events)),
        Ok(vec!["paused"]),
        "an act without a key is always new"
    );
    hall.assert_audited();
}

#[test]
fn a_young_act_is_never_forgotten_and_an_old_one_makes_room() {
    let mut hall = Hall::open(terms(english()));
    let turn = |number: usize| {
        let name = format!("n{number}");
        if number.is_multiple_of(2) { pause(&name, "a look") } else { resume(&name) }
    };
    for number in 0..ACTS_REMEMBERED {
        hall.ask(&turn(number), at(10)).unwrap();
    }
    let free = at(10).plus(KEY_RETENTION);
    let before = Timestamp::from_millis(free.millis() - 1);
    assert_eq!(hall.ask(&turn(ACTS_REMEMBERED), before), Err(Rejection::RateLimited));
    assert_eq!(hall.ask(&turn(0), before), Ok(vec![]), "what is in memory is still answered");
    assert_eq!(names(&hall.ask(&turn(ACTS_REMEMBERED), free).unwrap()), ["paused"]);
    assert_eq!((hall.state.acts().count(), done(&hall, "n0")), (ACTS_REMEMBERED, None));
    let oldest = hall.state.acts().next().unwrap();
    assert_eq!((&oldest.key, &oldest.asked), (&BidKey::new("n1").unwrap(), &Asked::Resume { reason: None }));
    hall.assert_audited();
}
