//! Bids for which money has to be set aside first: on the room's own node, whatever is said of the money, in whatever order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bidhub::domain::auction::{Bid, Funds, Offer, Rejection, Terms, Verdict};
use bidhub::domain::formats::Format;
use bidhub::domain::{AuctionId, Money, Span};
use bidhub::room::{Act, InFlightLimit, Limits, Raise};
use tokio::task::JoinHandle;

use crate::house::*;
use crate::purse::Purse;
use crate::unruly::Fate;

const PLENTY: i64 = 1_000_000;

fn funded_terms() -> Terms {
    Terms { funds: Funds::Required, ..terms(start()) }
}

fn insufficient(minor: i64) -> Rejection {
    Rejection::InsufficientFunds { allowance: Money::or_zero(minor).unwrap() }
}

/// A house with this purse, an open auction in it that asks for funds.
async fn with(limits: Limits, purse: &Arc<Purse>) -> (House, AuctionId) {
    let house = House::funded(limits, purse.clone()).await;
    let auction = house.auction(funded_terms()).await;
    house.rooms.get(auction).await.unwrap();
    eventually("it is open", || async { house.kinds(auction).await == ["opened"] }).await;
    (house, auction)
}

async fn new(purse: &Arc<Purse>) -> (House, AuctionId) {
    with(Limits::default(), purse).await
}

/// Sends a bid, to be answered later.
fn sent(house: &House, auction: AuctionId, bid: Bid) -> JoinHandle<Result<Verdict, Rejection>> {
    let rooms = house.rooms.clone();
    tokio::spawn(async move { rooms.bid(auction, bid).await })
}

async fn asked(purse: &Purse, times: usize) {
    eventually("the purse is asked", || async { purse.times() == times }).await;
}

fn allowance(house: &House, auction: AuctionId, bidder: u128) -> i64 {
    let view = house.rooms.get(auction);
    let room = futures_util::FutureExt::now_or_never(view).unwrap().unwrap();
    room.view(Some(account(bidder))).own.unwrap().allowance.minor_units()
}

#[tokio::test]
async fn what_a_bid_needs_is_set_aside_and_then_the_bid_decided() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let verdict = house.bid(auction, max(10, "first", 500)).await.unwrap();
    assert_eq!((verdict.seq.0, verdict.leading, verdict.price, verdict.your_max), (3, true, money(100), money(500)));
    assert_eq!(*purse.asked.lock().unwrap(), [(account(10), money(500))], "the ceiling, not the price");
    assert_eq!(house.bid(auction, max(10, "first", 500)).await, Ok(verdict), "the same key, the same verdict");
    house.bid(auction, straight(10, "within", 500)).await.unwrap_err();
    house.bid(auction, straight(11, "second", 700)).await.unwrap();
    assert_eq!(purse.times(), 2, "what is covered is asked of nobody");
    assert_eq!(house.kinds(auction).await, ["opened", "private", "bid", "private", "bid"]);
    assert_eq!(allowance(&house, auction, 10), 500);
    house.verified(auction).await;
}

#[tokio::test]
async fn what_the_purse_says_becomes_of_the_bid() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let raise = |minor, version| Ok(Raise { amount: money(minor), version });
    for (number, (answer, needed, verdict, set)) in [
        // Less than it needs: what there is can be bid the next time.
        (raise(400, 1), 500, Some(insufficient(400)), 400),
        // Exactly so much, and more.
        (raise(500, 2), 500, None, 500),
        (raise(9_000, 3), 600, None, 9_000),
        // Nothing: the room says what is set aside.
        (Err(insufficient(7)), 9_001, Some(insufficient(9_000)), 9_000),
        (Err(Rejection::AccountFrozen), 9_001, Some(Rejection::AccountFrozen), 9_000),
        (Err(Rejection::Unavailable), 9_001, Some(Rejection::Unavailable), 9_000),
        // An older version than the room knows changes nothing.
        (raise(9_500, 2), 9_001, Some(insufficient(9_000)), 9_000),
    ]
    .into_iter()
    .enumerate()
    {
        purse.then([answer]);
        let found = house.bid(auction, max(10, &format!("k{number}"), needed)).await;
        assert_eq!(found.err(), verdict, "{number}");
        assert_eq!(allowance(&house, auction, 10), set, "{number}");
        assert_eq!(purse.times(), number + 1);
    }
    assert_eq!(house.keys(auction).await, ["k1", "k2"]);
    house.verified(auction).await;
}

#[tokio::test]
async fn buying_at_once_needs_the_price_of_the_terms() {
    let purse = Purse::of(PLENTY);
    let house = House::funded(Limits::default(), purse.clone()).await;
    let mut terms = funded_terms();
    let Format::English(english) = &mut terms.format;
    english.buy_now = Some(money(7_700));
    let auction = house.auction(terms).await;
    let bid = Bid { offer: Offer::BuyNow, ..max(10, "now", 1) };
    assert_eq!(house.bid(auction, bid).await.unwrap().price, money(7_700));
    assert_eq!(*purse.asked.lock().unwrap(), [(account(10), money(7_700))]);
    assert_eq!(house.kinds(auction).await, ["opened", "private", "bid", "ended"]);
}

#[tokio::test]
async fn who_has_too_little_is_refused_and_may_come_again_with_the_same_bid_once_there_is_more() {
    let purse = Purse::of(300);
    let (house, auction) = new(&purse).await;
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(0)));
    assert_eq!(house.bid(auction, max(10, "k", 600)).await, Err(Rejection::KeyReused));
    assert_eq!(house.kinds(auction).await, ["opened"]);
    // Money has come in, and is set aside by hand; what was refused is decided anew as soon as it is asked for again.
    house.rooms.act(auction, purse.set(auction, account(10), 500)).await.unwrap();
    assert!(house.bid(auction, max(10, "k", 500)).await.unwrap().leading);
    assert_eq!(house.keys(auction).await, ["k"]);
}

#[tokio::test]
async fn a_late_copy_of_the_unfunded_bid_is_still_refused() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    purse.then([Err(insufficient(0))]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(0)));
    house.rooms.act(auction, purse.set(auction, account(10), PLENTY)).await.unwrap();
    // The copy comes as the bid first came: nothing was raised for it.
    purse.then([Err(insufficient(0))]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(0)), "as it stood when it was refused");
    assert_eq!(house.kinds(auction).await, ["opened", "private"]);
    // For as long as copies may come; then it is a new question.
    house.clock.advance(Span::from_secs(11));
    assert!(house.bid(auction, max(10, "k", 500)).await.unwrap().leading);
}

#[tokio::test]
async fn a_late_copy_of_an_old_raise_changes_nothing() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let old = Raise { amount: money(400), version: 1 };
    purse.then([Ok(old)]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(400)));
    let set = Act::SetAllowance { bidder: account(10), amount: money(1_000), version: 2 };
    house.rooms.act(auction, set).await.unwrap();
    purse.then([Ok(old)]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(400)), "refused with it once before");
    purse.then([Ok(Raise { amount: money(1_000), version: 2 })]);
    let verdict = house.bid(auction, max(10, "k", 500)).await.unwrap();
    purse.then([Ok(old)]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Ok(verdict));
    assert_eq!(allowance(&house, auction, 10), 1_000);
    assert_eq!(house.kinds(auction).await, ["opened", "private", "private", "bid"]);
    house.verified(auction).await;
}

#[tokio::test]
async fn the_second_refusal_stands_for_as_long_as_a_copy_of_the_second_asking_may_come() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    house.bid(auction, max(11, "lead", 2_000)).await.unwrap();
    purse.then([Err(insufficient(0))]);
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(0)));
    house.clock.advance(Span::from_secs(9));
    house.bid(auction, max(12, "over", 1_000)).await.unwrap();
    let too_low = house.bid(auction, max(10, "k", 500)).await.unwrap_err();
    assert!(matches!(too_low, Rejection::BidTooLow { .. }), "{too_low:?}");
    let void = |seq| Act::Void { by: account(2), key: None, reason: "a mistake".into(), seq };
    for event in house.events(auction).await {
        if let bidhub::domain::auction::EventKind::Bid(_) = event.kind {
            house.rooms.act(auction, void(event.seq)).await.unwrap();
        }
    }
    // The first refusal would be forgotten by now; this copy is of the second asking.
    house.clock.advance(Span::from_secs(5));
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(too_low));
}

#[tokio::test]
async fn an_allowance_that_was_lowered_in_between_is_not_raised_by_the_older_raise() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let gate = purse.gate();
    let bid = sent(&house, auction, max(10, "k", 500));
    asked(&purse, 1).await;
    house.rooms.act(auction, purse.set(auction, account(10), 0)).await.unwrap();
    gate.notify_one();
    assert_eq!(bid.await.unwrap(), Err(insufficient(0)));
    assert_eq!(allowance(&house, auction, 10), 0);
    assert_eq!(house.kinds(auction).await, ["opened", "private"]);
    house.verified(auction).await;
}

#[tokio::test]
async fn bids_that_wait_for_a_raise_share_it_and_none_is_refused_for_want_of_funds() {
    for (one, highest, times) in [(900, 400, 1), (400, 900, 2)] {
        let purse = Purse::of(PLENTY);
        let (house, auction) = new(&purse).await;
        let gate = purse.gate();
        let mut bids = vec![sent(&house, auction, max(10, "one", one))];
        asked(&purse, 1).await;
        let other = |number: i64| max(10, &format!("other {number}"), highest - number);
        bids.extend((0..5).map(|number| sent(&house, auction, other(number))));
        // The others have been refused by the room when it has decided what came after them; and nobody else is held up.
        for (bidder, amount) in [(11, 200), (12, 300)] {
            assert!(house.bid(auction, max(bidder, "k", amount)).await.is_ok());
        }
        let before = purse.times();
        gate.notify_one();
        for bid in bids {
            let verdict = bid.await.unwrap();
            assert!(verdict.is_ok() || matches!(verdict, Err(Rejection::MaxNotRaised { .. })), "{verdict:?}");
        }
        assert_eq!((before, purse.times()), (3, times + 2), "{one} and then {highest}");
        assert_eq!(house.verified(auction).await.standing.leader.unwrap().ceiling, money(900));
        assert_eq!(allowance(&house, auction, 10), 900);
    }
}

#[tokio::test]
async fn the_raise_and_the_bid_are_one_commit() {
    for (fate, written) in [(Fate::FailBefore, false), (Fate::LoseReply, true)] {
        let purse = Purse::of(PLENTY);
        let (house, auction) = new(&purse).await;
        let gate = purse.gate();
        let bid = sent(&house, auction, max(10, "k", 500));
        asked(&purse, 1).await;
        house.door.then([fate]);
        gate.notify_one();
        let verdict = bid.await.unwrap();
        assert_eq!(verdict.is_ok(), written);
        let kinds = house.kinds(auction).await;
        assert_eq!(kinds, if written { vec!["opened", "private", "bid"] } else { vec!["opened"] });
        let again = house.bid(auction, max(10, "k", 500)).await;
        assert_eq!(again.unwrap().seq.0, 3);
        assert_eq!(house.kinds(auction).await, ["opened", "private", "bid"]);
        house.verified(auction).await;
    }
}

#[tokio::test]
async fn a_raise_that_takes_too_long_leaves_the_key_open() {
    let purse = Purse::of(PLENTY);
    let limits = Limits { bid_deadline: Span::from_millis(300), ..Limits::default() };
    let (house, auction) = with(limits, &purse).await;
    let _never = purse.gate();
    let began = Instant::now();
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(Rejection::Unavailable));
    assert!((250..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(house.kinds(auction).await, ["opened"]);
    let verdict = house.bid(auction, max(10, "k", 500)).await.unwrap();
    assert_eq!((verdict.leading, purse.times()), (true, 2));
    assert_eq!(house.keys(auction).await, ["k"]);
}

#[tokio::test]
async fn so_many_raises_go_on_at_once_so_many_wait_and_one_more_is_busy() {
    let purse = Purse::of(PLENTY);
    let limits = Limits { raises_max: 2, raises_waiting_max: 1, ..Limits::default() };
    let (house, auction) = with(limits, &purse).await;
    let gates = [purse.gate(), purse.gate(), purse.gate()];
    let offer = |number: i64| max(10 + number as u128, &format!("k{number}"), 500 + 1_000 * number);
    let mut bids: Vec<_> = (0..4).map(|number| sent(&house, auction, offer(number))).collect();
    // Whichever comes last to the purse.
    eventually("one is refused", || async { bids.iter().any(JoinHandle::is_finished) }).await;
    let last = bids.iter().position(JoinHandle::is_finished).unwrap();
    assert_eq!(bids.remove(last).await.unwrap(), Err(Rejection::Busy));
    asked(&purse, 2).await;
    assert_eq!(house.kinds(auction).await, ["opened"]);
    gates.iter().for_each(|gate| gate.notify_one());
    let mut decided = 0;
    for bid in bids {
        let verdict = bid.await.unwrap();
        assert!(verdict.is_ok() || matches!(verdict, Err(Rejection::BidTooLow { .. })), "{verdict:?}");
        decided += 1;
    }
    assert_eq!((decided, purse.times()), (3, 3));
    let again = house.bid(auction, offer(last as i64)).await;
    assert_ne!(again, Err(Rejection::Busy), "busy leaves the key open");
    assert_eq!(purse.at_once.load(Ordering::SeqCst), 2);
    house.verified(auction).await;
}

#[tokio::test]
async fn a_bid_counts_as_in_flight_while_its_money_is_set_aside() {
    let purse = Purse::of(PLENTY);
    let limits = Limits { in_flight_max: InFlightLimit(1), ..Limits::default() };
    let (house, auction) = with(limits, &purse).await;
    let gate = purse.gate();
    let bid = sent(&house, auction, max(10, "k", 500));
    asked(&purse, 1).await;
    assert_eq!(house.bid(auction, max(10, "more", 900)).await, Err(Rejection::BidInFlight));
    assert!(house.bid(auction, max(11, "other", 300)).await.is_ok(), "another bidder is not held up");
    gate.notify_one();
    bid.await.unwrap().unwrap();
    assert!(house.bid(auction, max(10, "more", 900)).await.is_ok(), "and the slot is free again");
}

#[tokio::test]
async fn rooms_that_close_wait_for_no_raise() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let _never = purse.gate();
    let bid = sent(&house, auction, max(10, "k", 500));
    asked(&purse, 1).await;
    let closed = tokio::time::timeout(Duration::from_secs(2), house.rooms.close()).await;
    assert!(closed.is_ok());
    assert_eq!(bid.await.unwrap(), Err(Rejection::Unavailable));
}

#[tokio::test]
async fn a_bid_whose_auction_ends_meanwhile_comes_too_late() {
    let purse = Purse::of(PLENTY);
    let (house, auction) = new(&purse).await;
    let gate = purse.gate();
    let bid = sent(&house, auction, max(10, "k", 500));
    asked(&purse, 1).await;
    let stop = Act::Stop { by: account(2), key: None, reason: "a fake".into(), only_without_bids: false };
    house.rooms.act(auction, stop).await.unwrap();
    gate.notify_one();
    assert_eq!(bid.await.unwrap(), Err(Rejection::AuctionStopped));
    assert_eq!(house.kinds(auction).await, ["opened", "stopped"]);
}

#[tokio::test]
async fn without_a_purse_what_is_set_aside_is_all_there_is() {
    let house = House::new().await;
    let auction = house.auction(funded_terms()).await;
    assert_eq!(house.bid(auction, max(10, "k", 500)).await, Err(insufficient(0)));
    let set = Act::SetAllowance { bidder: account(10), amount: money(400), version: 1 };
    house.rooms.act(auction, set).await.unwrap();
    assert_eq!(house.bid(auction, max(10, "more", 500)).await, Err(insufficient(400)));
    assert!(house.bid(auction, max(10, "less", 400)).await.unwrap().leading);
}
