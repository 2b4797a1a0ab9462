//! What holds whatever is asked, in whatever order, at whatever moments. A failing case is printed in its smallest form,
//! as the list of steps that shows it.

mod forgery;
mod naive;
mod secrets;
mod steps;

use std::collections::HashMap;

use bidhub::domain::auction::{Command, Event, EventKind, ExtensionCause, Funds, Offer, Rejection, State, Verdict};
use bidhub::domain::{AccountId, BidKey, Money, Seq, Timestamp};
use proptest::prelude::*;

use crate::hall::Hall;
use naive::Naive;
use steps::{Setting, Step, setting, steps};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Plays the steps and gives the hall back; `check` sees every command with what came of it.
fn play(setting: &Setting, steps: &[Step], mut check: impl FnMut(&State, &Hall, &Asked)) -> Hall {
    let mut hall = Hall::scheduled(setting.terms());
    let mut now = crate::hall::at(-20);
    for step in steps {
        now = Timestamp::from_millis(now.millis() + step.moves_ms);
        let command = step.command(&hall, setting, now);
        let before = hall.state.clone();
        let logged = hall.log.len();
        let again = before.decide(&command, now);
        let result = hall.ask(&command, now).map(drop);
        let events = hall.log[logged..].to_vec();
        assert_eq!(again, result.map(|()| events.clone()), "the same question got two answers");
        check(&before, &hall, &Asked { command, now, result, events });
    }
    hall
}

/// A command with what came of it.
struct Asked {
    command: Command,
    now: Timestamp,
    result: Result<(), Rejection>,
    events: Vec<Event>,
}

/// What was asked for first under each key, and its event.
type Acts = HashMap<(AccountId, BidKey), (bidhub::domain::auction::Asked, Seq)>;

/// The first offer and verdict under each key.
type Verdicts = HashMap<(AccountId, BidKey), (Offer, Verdict)>;

fn check_log(before: &State, after: &State, asked: &Asked) {
    if asked.events.is_empty() {
        assert_eq!(before, after, "nothing happened, yet something changed");
    }
    for (event, number) in asked.events.iter().zip(before.seq.0 + 1..) {
        assert_eq!(event.seq.0, number);
        assert_eq!(event.at, asked.now.max(before.last_at));
    }
    assert_eq!(after.seq.0, before.seq.0 + asked.events.len() as u64);
}

fn check_money(before: &State, after: &State, asked: &Asked) {
    let voided = asked.events.iter().any(|event| matches!(event.kind, EventKind::BidVoided(_)));
    assert!(voided || after.standing.price >= before.standing.price, "the price fell");
    assert_eq!(after.standing.price.is_some(), after.standing.leader.is_some());
    let price = after.standing.price.unwrap_or(Money::ZERO);
    assert!(after.minimum_bid() > price || price == Money::MAX);
    if let Some(leader) = after.standing.leader {
        assert!(price <= leader.ceiling, "the leader would pay more than the own ceiling");
        let known = after.bidder(leader.account).unwrap();
        let covered = after.terms.funds == Funds::None || after.is_over() || leader.ceiling <= known.allowance;
        assert!(covered, "the leading ceiling is not covered");
    }
}

/// What a bid's event says is what the state then holds.
fn check_told(after: &State, asked: &Asked) {
    let Some(EventKind::Bid(told)) = asked.events.first().map(|event| &event.kind) else { return };
    let leader = after.standing.leader.unwrap();
    assert_eq!((told.leader, told.leading), (leader.alias, leader.account == told.bidder));
    assert_eq!((Some(told.price), told.minimum_bid), (after.standing.price, after.minimum_bid()));
    assert_eq!(told.bid_count, after.standing.bid_count);
    assert_eq!(after.own(told.bidder).alias, Some(told.alias));
}

fn check_time(before: &State, after: &State, asked: &Asked) {
    for event in &asked.events {
        match event.kind {
            EventKind::Bid(_) => assert!(event.at < before.ends_at && event.at >= before.terms.starts_at),
            EventKind::Extended { ends_at, cause: ExtensionCause::SoftClose } => {
                assert!(ends_at > before.ends_at && ends_at <= before.cap);
                assert_eq!(after.cap, before.cap);
            }
            EventKind::Ended { outcome, .. } if outcome.name() != "bought_now" => assert!(event.at >= before.ends_at),
            _ => {}
        }
    }
    let amended = matches!(asked.command, Command::Amend { .. });
    assert!(amended || after.ends_at >= before.ends_at, "the end came nearer");
    assert!(after.ends_at <= after.cap);
    assert!(!before.is_over() || asked.events.is_empty(), "something happened after the end");
}

fn check_keys(before: &State, after: &State, asked: &Asked, verdicts: &mut Verdicts) {
    let Command::Bid(bid) = &asked.command else { return };
    let place = (bid.bidder, bid.key.clone());
    match verdicts.get(&place) {
        Some((offer, verdict)) => {
            let expected = if *offer == bid.offer { Ok(()) } else { Err(Rejection::KeyReused) };
            assert_eq!(asked.result, expected);
            assert_eq!(asked.events, []);
            assert_eq!(after.verdict(bid.bidder, &bid.key), Some(*verdict));
        }
        None => {
            assert_eq!(before.verdict(bid.bidder, &bid.key), None);
            assert_eq!(after.verdict(bid.bidder, &bid.key).is_some(), asked.result.is_ok());
            if let Some(verdict) = after.verdict(bid.bidder, &bid.key) {
                assert_eq!(verdict.seq, asked.events[0].seq);
                verdicts.insert(place, (bid.offer, verdict));
            }
        }
    }
}

/// What was asked for under a key is done once, whatever else is asked.
fn check_acts(before: &State, after: &State, asked: &Asked, acts: &mut Acts) {
    let Some((by, key, content)) = asked.command.keyed() else { return };
    let place = (by, key.clone());
    match acts.get(&place) {
        Some((first, seq)) => {
            let expected = if *first == content { Ok(()) } else { Err(Rejection::KeyReused) };
            assert_eq!(asked.result, expected);
            assert_eq!(asked.events, []);
            assert_eq!(after.done(by, key).map(|done| done.seq), Some(*seq));
        }
        None => {
            assert_eq!(before.done(by, key), None);
            assert_eq!(after.done(by, key).is_some(), asked.result.is_ok());
            if let Some(done) = after.done(by, key) {
                assert_eq!((&done.asked, done.seq), (&content, asked.events[0].seq));
                acts.insert(place, (content, done.seq));
            }
        }
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn whatever_is_asked_the_rules_hold(setting in setting(), steps in steps()) {
        let mut verdicts = Verdicts::new();
        let mut acts = Acts::new();
        let mut naive = Naive::default();
        let hall = play(&setting, &steps, |before, hall, asked| {
            let after = &hall.state;
            check_log(before, after, asked);
            check_money(before, after, asked);
            check_told(after, asked);
            check_time(before, after, asked);
            check_keys(before, after, asked, &mut verdicts);
            check_acts(before, after, asked, &mut acts);
            asked.events.iter().for_each(|event| naive.take(event, after));
            naive.assert_agrees(after);
        });
        hall.assert_audited();
    }
}
