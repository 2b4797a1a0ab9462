//! The judge finds each thing that must never happen: a good history passes, and each of these, doctored in one place, does
//! not.

use std::time::Duration;

use bidhub::domain::auction::*;
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::{Band, Increments};
use bidhub::domain::*;
use bidhub::journal::record::{seal_event, seal_genesis};
use bidhub::journal::{Chain, Record, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::checker::{Allowed, Breach, History, Tally, check};
use crate::history::{Seen, Told, Tries, Watched};
use crate::truth::Truth;

const SECRET: Secret = Secret([7; 32]);
const AUCTION: AuctionId = AuctionId(Uuid::from_u128(1));
const LOG: LogId = LogId(Uuid::from_u128(2));

fn money(minor: i64) -> Money {
    Money::new(minor).unwrap()
}

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(100 + number))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn terms() -> Terms {
    Terms {
        seller: account(99),
        currency: Currency::new("USD").unwrap(),
        starts_at: Timestamp::from_millis(1_800_000_000_000),
        ends_at: Timestamp::from_millis(1_800_000_100_000),
        funds: Funds::None,
        fees: Fees::default(),
        grace: Span::from_secs(30),
        format: Format::English(English {
            opening_price: money(1_000),
            increments: Increments::new(&[Band { from: Money::ZERO, step: money(10) }]).unwrap(),
            reserve: None,
            buy_now: None,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: None,
        }),
    }
}

/// A house in which everything goes well, and the history of what was said in it.
struct House {
    state: State,
    chain: Chain,
    records: Vec<Record>,
    told: Vec<Told>,
    at: u64,
}

impl House {
    fn new() -> Self {
        let mut chain = Chain::origin(&SECRET);
        let listing = Listing { title: "A".into(), description: "".into(), category: "c".into(), image_url: None };
        let genesis = seal_genesis(&mut chain, 1, AUCTION, terms().starts_at, &terms(), &listing);
        Self { state: State::new(terms()), chain, records: vec![genesis], told: Vec::new(), at: 0 }
    }

    fn does(&mut self, command: &Command) -> Result<(), Rejection> {
        self.at += 10;
        let now = terms().starts_at.plus(Span::from_millis(self.at as i64));
        for event in self.state.decide(command, now)? {
            self.write(&event);
        }
        Ok(())
    }

    fn write(&mut self, event: &Event) {
        self.records.push(seal_event(&mut self.chain, 1, event, &self.state.terms));
        self.state.apply(event);
    }

    fn bids(&mut self, bidder: u128, key: &str, offer: Offer) {
        let (account, key) = (account(bidder), BidKey::new(key).unwrap());
        let bid = Bid { bidder: account, barred: None, key: key.clone(), offer };
        let sent_at = ms(self.at + 1);
        let verdict = match self.does(&Command::Bid(bid)) {
            Ok(()) => {
                let verdict = self.state.verdict(account, &key).unwrap();
                json!({"type": "bid_accepted", "key": key.as_str(), "seq": verdict.seq.0, "leading": verdict.leading,
                    "price": verdict.price.minor_units(), "minimum_bid": verdict.minimum_bid.minor_units(),
                    "your_max": verdict.your_max.minor_units()})
            }
            Err(rejection) => json!({"type": "bid_rejected", "key": key.as_str(), "code": rejection.code(),
                "minimum_bid": self.state.minimum_bid().minor_units()}),
        };
        let (name, amount) = match offer {
            Offer::Max(amount) => ("max", amount),
            Offer::Straight(amount) => ("amount", amount),
            Offer::BuyNow => unreachable!("nobody buys here"),
        };
        let request = json!({"type": "bid", "key": key.as_str(), name: amount.minor_units()});
        let told_at = ms(self.at);
        let key = key.as_str().to_owned();
        self.told.push(Told { account, key, request, verdict, sent_at, told_at, node: 0, tries: Tries::default() });
    }

    fn truth(&self) -> Truth {
        Truth::of(AUCTION, LOG, &SECRET, &self.records).unwrap()
    }

    fn history(&self) -> History {
        let events: Vec<Value> = self.truth().facts.into_iter().map(|fact| fact.public).collect();
        let mut seen = vec![Seen::Fresh { log: LOG.0.to_string(), seq: 1 }];
        seen.extend(events[1..].iter().cloned().map(Seen::Event));
        let mut rest = events;
        for event in &mut rest {
            (event["digest"], event["commitment"]) = ("00".into(), "00".into());
        }
        History { told: self.told.clone(), watched: vec![Watched { node: 0, seen }], rest: vec![rest] }
    }
}

/// Events 1 to 5: the opening, 2 a leads at 1,000, 3 b is beaten to 1,210, 4 b leads at 2,010, 5 c leads at 3,000. Refused:
/// c too low after 3, b not raised after 4.
fn good() -> House {
    let mut house = House::new();
    house.does(&Command::Tick).unwrap();
    house.bids(1, "a1", Offer::Max(money(2_000)));
    house.bids(2, "b1", Offer::Straight(money(1_200)));
    house.bids(3, "c0", Offer::Straight(money(900)));
    house.bids(2, "b2", Offer::Max(money(2_500)));
    house.bids(2, "b3", Offer::Max(money(2_400)));
    house.bids(3, "c1", Offer::Straight(money(3_000)));
    house
}

#[track_caller]
fn found(doctor: impl FnOnce(&mut History)) -> Breach {
    let house = good();
    let mut history = house.history();
    doctor(&mut history);
    check(&house.truth(), &history, Allowed::default()).expect_err("a doctored history was let through")
}

#[test]
fn a_good_history_passes_and_is_counted() {
    let house = good();
    let expected = Tally { accepted: 4, rejected: 2, ..Tally::default() };
    assert_eq!(check(&house.truth(), &house.history(), Allowed::default()), Ok(expected));
}

#[test]
fn a_state_in_place_of_events_is_no_gap() {
    let house = good();
    let mut history = house.history();
    history.watched[0].seen.splice(1..4, [Seen::Fresh { log: LOG.0.to_string(), seq: 4 }]);
    assert_eq!(check(&house.truth(), &history, Allowed::default()).unwrap().fresh_states, 1);
}

#[test]
fn the_log_of_a_node() {
    assert_eq!(found(|it| drop(it.rest[0].remove(2))), Breach::Gap { node: 0, seq: 3 });
    assert_eq!(found(|it| it.rest[0][3]["price"] = 1_100.into()), Breach::PriceFell { node: 0, seq: 4 });
    assert_eq!(found(|it| it.rest[0][4]["amount"] = 3_001.into()), Breach::OtherLog { node: 0, seq: 5 });
    assert_eq!(found(|it| drop(it.rest[0].pop())), Breach::OtherLog { node: 0, seq: 5 });
}

#[test]
fn a_watcher_that_misses_something() {
    assert_eq!(found(|it| drop(it.watched[0].seen.remove(2))), Breach::WatcherGap { node: 0, seq: 4 });
    assert_eq!(found(|it| drop(it.watched[0].seen.remove(0))), Breach::WatcherGap { node: 0, seq: 2 });
    assert_eq!(found(|it| it.watched[0].seen.swap(1, 2)), Breach::WatcherGap { node: 0, seq: 3 });
    assert_eq!(found(|it| drop(it.watched[0].seen.pop())), Breach::WatcherBehind { node: 0, seq: 4 });
    let twice = found(|it| {
        let second = it.watched[0].seen[2].clone();
        it.watched[0].seen.insert(2, second);
    });
    assert_eq!(twice, Breach::WatcherGap { node: 0, seq: 3 });
}

#[test]
fn a_watcher_that_is_shown_something_else() {
    let differs = found(|it| {
        let Seen::Event(event) = &mut it.watched[0].seen[2] else { unreachable!() };
        event["price"] = 1_211.into();
    });
    assert_eq!(differs, Breach::WatcherDiffers { node: 0, seq: 3 });
    let ahead = found(|it| it.watched[0].seen.push(Seen::Fresh { log: LOG.0.to_string(), seq: 6 }));
    assert_eq!(ahead, Breach::WatcherAhead { node: 0, seq: 6 });
    let other_log = found(|it| it.watched[0].seen.push(Seen::Fresh { log: Uuid::nil().to_string(), seq: 5 }));
    assert_eq!(other_log, Breach::WatcherDiffers { node: 0, seq: 5 });
}

#[test]
fn an_acknowledged_bid_that_is_not_there() {
    let lost = |it: &mut History| {
        let mut told = it.told[0].clone();
        told.key = "a9".into();
        it.told.push(told);
    };
    assert_eq!(found(lost), Breach::Lost { key: "a9".into() });
    let house = good();
    let mut history = house.history();
    lost(&mut history);
    let allowed = Allowed { loss: true, ..Allowed::default() };
    assert_eq!(check(&house.truth(), &history, allowed).unwrap().lost, 1);
}

#[test]
fn a_verdict_that_the_log_does_not_give() {
    assert_eq!(found(|it| it.told[0].verdict["seq"] = 3.into()), Breach::OtherSeq { key: "a1".into() });
    for (field, value) in
        [("leading", json!(false)), ("price", json!(1_001)), ("minimum_bid", json!(1)), ("your_max", json!(2_001))]
    {
        let breach = found(|it| it.told[0].verdict[field] = value);
        assert_eq!(breach, Breach::OtherVerdict { key: "a1".into(), field });
    }
}

#[test]
fn a_key_that_counts_twice() {
    let mut house = good();
    let mut event = house.records.last().unwrap().event().unwrap();
    let EventKind::Bid(bid) = &mut event.kind else { unreachable!() };
    (bid.bid_count, event.seq) = (5, event.seq.next());
    house.write(&event);
    // The rules would never give it, so the audit refuses the log before anything else is compared.
    let finding = Truth::of(AUCTION, LOG, &SECRET, &house.records).err().expect("the audit finds it");
    assert_eq!(finding.seq, Seq(6));
    assert_eq!(found(|it| it.told.push(it.told[0].clone())), Breach::KeyTwice { key: "a1".into() });
}

#[test]
fn a_key_twice_that_an_audit_lets_through() {
    let house = good();
    let mut truth = house.truth();
    let forgotten = truth.keys.remove(&(account(2), "b1".into()));
    assert_eq!(forgotten, Some(3));
    let breach = check(&truth, &house.history(), Allowed::default());
    assert_eq!(breach, Err(Breach::KeyTwice { key: "3".into() }));
}

#[test]
fn a_bid_that_was_refused_or_never_told_and_stands() {
    assert_eq!(found(|it| drop(it.told.remove(0))), Breach::Untold { seq: 2 });
    let refused = found(|it| it.told[0].verdict = json!({"type": "bid_rejected", "code": "bid_too_low"}));
    assert_eq!(refused, Breach::RefusedButThere { key: "a1".into() });
}

#[test]
fn an_order_that_time_forbids() {
    let breach = found(|it| (it.told[5].sent_at, it.told[5].told_at) = (ms(0), ms(1)));
    assert_eq!(breach, Breach::OutOfOrder { earlier: "c1".into(), later: "a1".into() });
}

#[test]
fn a_refusal_by_someone_who_has_missed_what_happened() {
    let wrong = |key: &str, code: &str| Breach::WrongRefusal { key: key.into(), code: code.into() };
    // The minimum as it was before what had been acknowledged when the bid was sent.
    let stale = found(|it| it.told[2].verdict["minimum_bid"] = 1_010.into());
    assert_eq!(stale, wrong("c0", "bid_too_low"));
    // The minimum as it comes to be only by what was sent later.
    let early = found(|it| it.told[2].verdict["minimum_bid"] = 3_010.into());
    assert_eq!(early, wrong("c0", "bid_too_low"));
    let enough = found(|it| it.told[2].request["amount"] = 5_000.into());
    assert_eq!(enough, wrong("c0", "bid_too_low"));
    let not_the_leader = found(|it| it.told[4].account = account(1));
    assert_eq!(not_the_leader, wrong("b3", "max_not_raised"));
    let not_over = found(|it| it.told[2].verdict["code"] = "auction_closed".into());
    assert_eq!(not_over, wrong("c0", "auction_closed"));
    let for_no_reason = found(|it| it.told[2].verdict["code"] = "banned".into());
    assert_eq!(for_no_reason, wrong("c0", "banned"));
}
