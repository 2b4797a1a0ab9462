//! What a bidder is told when a commit fails, is lost, or comes late: what the log says, and nothing else.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bidhub::clock::Clock;
use bidhub::domain::auction::{EventKind, ExtensionCause, Rejection};
use bidhub::domain::{Seq, Span};
use bidhub::room::{Act, Answer, Limits};
use tokio::sync::oneshot;

use crate::house::*;
use crate::unruly::Fate;

/// Hands a bid in; the answer comes by the receiver.
async fn submit(
    house: &House,
    auction: bidhub::domain::AuctionId,
    bid: bidhub::domain::auction::Bid,
) -> oneshot::Receiver<Result<Answer, Rejection>> {
    let (sender, receiver) = oneshot::channel();
    house.rooms.submit(auction, bid, reply_to(sender)).await;
    receiver
}

#[tokio::test]
async fn a_bid_whose_commit_failed_never_was_and_can_be_sent_again() {
    for fate in [Fate::FailBefore, Fate::HeadMoved] {
        let house = House::new().await;
        let auction = house.auction(terms(start())).await;
        house.bid(auction, straight(10, "first", 500)).await.unwrap();
        house.door.then([fate]);
        assert_eq!(house.bid(auction, straight(11, "second", 900)).await, Err(Rejection::Unavailable));
        assert_eq!(house.keys(auction).await, ["first"]);
        let again = house.bid(auction, straight(11, "second", 900)).await.unwrap();
        assert_eq!((again.seq.0, again.price), (3, money(900)));
        assert_eq!(house.bid(auction, straight(11, "second", 900)).await, Ok(again));
        assert_eq!(house.keys(auction).await, ["first", "second"]);
        house.verified(auction).await;
    }
}

#[tokio::test]
async fn a_lost_reply_is_found_again_in_the_log() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "first", 500)).await.unwrap();
    let witness = Witness::new(1);
    let watcher: std::sync::Arc<dyn bidhub::room::Watcher> = witness.clone();
    house.rooms.join(auction, &watcher, None, None, |_| ()).await.unwrap();
    house.door.then([Fate::LoseReply]);
    let verdict = house.bid(auction, max(11, "second", 900)).await.unwrap();
    assert_eq!((verdict.seq.0, verdict.leading), (3, true));
    assert_eq!(house.bid(auction, max(11, "second", 900)).await, Ok(verdict));
    assert_eq!(house.keys(auction).await, ["first", "second"]);
    assert_eq!(witness.seen().len(), 1, "watchers hear of it once");
    house.bid(auction, max(10, "third", 1_000)).await.unwrap();
    eventually("the next event is seen", || async { witness.seen().len() == 2 }).await;
    house.verified(auction).await;
}

#[tokio::test]
async fn after_a_lost_reply_another_bid_under_the_same_key_is_still_refused() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(9, "opens the room", 500)).await.unwrap();
    house.door.appending.notified().await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    house.door.then([Fate::Hold(gate.clone()), Fate::LoseReply]);
    let held = submit(&house, auction, straight(10, "held", 600)).await;
    house.door.appending.notified().await;
    let first = submit(&house, auction, straight(11, "key", 700)).await;
    let other = submit(&house, auction, straight(11, "key", 800)).await;
    gate.notify_one();
    assert!(held.await.unwrap().is_ok());
    assert!(matches!(first.await.unwrap(), Ok(Answer::Verdict(verdict)) if verdict.price == money(700)));
    assert_eq!(other.await.unwrap(), Err(Rejection::KeyReused));
    assert_eq!(house.verified(auction).await.standing.price, Some(money(700)));
}

#[tokio::test]
async fn a_refusal_once_told_stays_though_a_later_commit_fails() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "lead", 500)).await.unwrap();
    let refused = Err(Rejection::MaxNotRaised { your_max: money(500) });
    assert_eq!(house.bid(auction, max(10, "same", 500)).await, refused);
    house.door.then([Fate::FailBefore]);
    assert_eq!(house.bid(auction, max(11, "over", 900)).await, Err(Rejection::Unavailable));
    house.bid(auction, max(11, "over", 900)).await.unwrap();
    assert_eq!(house.bid(auction, max(10, "same", 500)).await, refused, "the same key, the same verdict");
}

#[tokio::test]
async fn a_refusal_that_rested_on_a_failed_commit_is_decided_anew() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(9, "opens the room", 500)).await.unwrap();
    house.door.appending.notified().await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    house.door.then([Fate::Hold(gate.clone()), Fate::FailBefore]);
    let held = submit(&house, auction, straight(10, "held", 600)).await;
    house.door.appending.notified().await;
    let high = submit(&house, auction, straight(11, "high", 9_000)).await;
    let low = submit(&house, auction, straight(12, "low", 1_000)).await;
    gate.notify_one();
    assert!(held.await.unwrap().is_ok());
    assert_eq!(high.await.unwrap(), Err(Rejection::Unavailable));
    assert_eq!(low.await.unwrap(), Err(Rejection::Unavailable), "it was too low only beside a bid that never was");
    assert_eq!(house.bid(auction, straight(12, "low", 1_000)).await.unwrap().price, money(1_000));
}

#[tokio::test]
async fn who_has_lost_the_journal_confirms_nothing_more() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(9, "opens the room", 500)).await.unwrap();
    house.door.appending.notified().await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    house.door.then([Fate::Hold(gate.clone())]);
    let first = submit(&house, auction, straight(10, "key", 600)).await;
    house.door.appending.notified().await;
    let again = submit(&house, auction, straight(10, "key", 600)).await;
    let low = submit(&house, auction, straight(11, "low", 550)).await;
    house.usurped().await;
    gate.notify_one();
    for answer in [first, again, low] {
        assert_eq!(answer.await.unwrap(), Err(Rejection::Unavailable), "it would rest on a bid that never was");
    }
    assert_eq!(house.keys(auction).await, ["opens-the-room"]);
}

/// A house on the machine's clock with an auction that ends in `ends_ms`.
async fn ending_in(ends_ms: i64) -> (House, bidhub::domain::AuctionId) {
    let house = House::at(Limits { stall: Duration::from_millis(300), ..Limits::default() }, Clock::System, 1).await;
    let now = house.clock.now();
    let mut terms = terms(now);
    terms.ends_at = now.plus(Span::from_millis(ends_ms));
    let auction = house.auction(terms).await;
    house.bid(auction, straight(10, "first", 500)).await.unwrap();
    (house, auction)
}

async fn assert_extended_by_an_outage(house: &House, auction: bidhub::domain::AuctionId) {
    let state = house.verified(auction).await;
    let extended = house.events(auction).await.into_iter().find_map(|event| match event.kind {
        EventKind::Extended { ends_at, cause: ExtensionCause::Outage } => Some((event.at, ends_at)),
        _ => None,
    });
    let (at, ends_at) = extended.expect("the lost time was given back");
    assert!(ends_at >= at.plus(Span::from_secs(29)), "and with it at least the grace");
    assert_eq!(state.phase, bidhub::domain::auction::Phase::Open);
    let kinds = house.kinds(auction).await;
    let suspended = kinds.iter().position(|kind| kind == "suspended").unwrap();
    assert_eq!(kinds[suspended + 1], "extended");
}

#[tokio::test]
async fn a_stall_across_the_end_moves_the_end() {
    let (house, auction) = ending_in(1_000).await;
    house.door.then([Fate::Stall(Duration::from_millis(1_500))]);
    let verdict = house.bid(auction, straight(11, "second", 900)).await.unwrap();
    assert_eq!(verdict.price, money(900));
    eventually("the end is moved", || async { house.kinds(auction).await.iter().any(|kind| kind == "extended") }).await;
    house.bid(auction, straight(10, "third", 2_000)).await.expect("bidding goes on");
    assert_extended_by_an_outage(&house, auction).await;
}

#[tokio::test]
async fn a_journal_that_is_down_across_the_end_moves_the_end() {
    let (house, auction) = ending_in(1_000).await;
    house.door.down.store(true, Ordering::SeqCst);
    assert_eq!(house.bid(auction, straight(11, "second", 900)).await, Err(Rejection::Unavailable));
    let end = house.rooms.get(auction).await.unwrap().view(None).public.ends_at;
    eventually("the end passes", || async { house.clock.now() > end.plus(Span::from_millis(200)) }).await;
    house.door.down.store(false, Ordering::SeqCst);
    let again = house.bid(auction, straight(11, "second", 900)).await;
    assert_eq!(again.expect("nothing was closed while nothing could be decided").price, money(900));
    assert_extended_by_an_outage(&house, auction).await;
}

#[tokio::test]
async fn a_void_that_reads_across_the_end_moves_the_end() {
    let (house, auction) = ending_in(1_000).await;
    *house.door.reading.lock().unwrap() = Some(Duration::from_millis(1_500));
    let act = Act::Void { by: account(2), key: None, reason: "mistake".into(), seq: Seq(2) };
    house.rooms.act(auction, act).await.unwrap();
    house.bid(auction, straight(11, "second", 900)).await.expect("bidding goes on");
    assert_extended_by_an_outage(&house, auction).await;
}

#[tokio::test]
async fn a_machine_that_slept_across_the_end_gives_the_time_back() {
    for loaded in [true, false] {
        let idle_unload = if loaded { Duration::from_secs(60) } else { Duration::from_millis(50) };
        let house = House::with(Limits { idle_unload, ..Limits::default() }).await;
        let mut terms = terms(start());
        terms.ends_at = start().plus(Span::from_secs(3_600));
        let auction = house.auction(terms).await;
        house.bid(auction, straight(10, "first", 500)).await.unwrap();
        house.journal.heartbeat().await.unwrap();
        if !loaded {
            eventually("the room has gone", || async { !house.rooms.is_loaded(auction) }).await;
        }
        house.clock.advance(Span::from_secs(3_000));
        house.journal.heartbeat().await.unwrap();
        // The lid is closed ten minutes before the end and opened ten minutes after it.
        house.clock.skip(Span::from_secs(1_200));
        house.bid(auction, straight(11, "second", 900)).await.expect("bidding goes on");
        assert_extended_by_an_outage(&house, auction).await;
    }
}

#[tokio::test]
async fn a_failure_far_from_the_end_moves_nothing() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.door.then([Fate::FailBefore, Fate::FailBefore]);
    let _ = house.bid(auction, straight(10, "first", 500)).await;
    house.bid(auction, straight(10, "first", 500)).await.unwrap();
    assert_eq!(house.kinds(auction).await, ["opened", "bid"]);
}
