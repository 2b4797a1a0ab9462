//! How rooms come and go: idle unloading, restarts, snapshots, panics.

use std::sync::Arc;
use std::time::Duration;

use bidhub::domain::Span;
use bidhub::domain::auction::{Phase, Rejection};
use bidhub::room::{Limits, Resume, Watcher};
use tokio::sync::Notify;

use crate::house::*;
use crate::unruly::{Fate, Open};

#[tokio::test]
async fn an_idle_room_goes_away_and_comes_back_with_state_and_keys() {
    let house = House::with(Limits { idle_unload: Duration::from_millis(100), ..Limits::default() }).await;
    let auction = house.auction(terms(start())).await;
    let verdict = house.bid(auction, max(10, "first", 900)).await.unwrap();
    let before = house.rooms.get(auction).await.unwrap().view(Some(account(10)));
    eventually("the room is unloaded", || async { !house.rooms.is_loaded(auction) }).await;
    assert_eq!(house.rooms.get(auction).await.unwrap().view(Some(account(10))), before);
    assert_eq!(house.bid(auction, max(10, "first", 900)).await, Ok(verdict));
    assert_eq!(house.bid(auction, max(10, "first", 901)).await, Err(Rejection::KeyReused));
    assert_eq!(house.keys(auction).await, ["first"]);
}

#[tokio::test]
async fn a_room_that_is_watched_stays() {
    let house = House::with(Limits { idle_unload: Duration::from_millis(50), ..Limits::default() }).await;
    let auction = house.auction(terms(start())).await;
    let watcher: Arc<dyn Watcher> = Witness::new(1);
    let (room, ()) = house.rooms.join(auction, &watcher, None, None, |_| ()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(house.rooms.is_loaded(auction));
    room.leave(1);
    eventually("the room is unloaded", || async { !house.rooms.is_loaded(auction) }).await;
}

#[tokio::test]
async fn a_restart_keeps_every_verdict_and_the_snapshot_leads_to_the_same_state() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    let mut verdicts = Vec::new();
    for number in 0..200_i64 {
        let bid = max(10 + number as u128 % 7, &format!("bid-{number}"), 20_000 * (number + 1));
        verdicts.push((bid.clone(), house.bid(auction, bid).await.unwrap()));
    }
    let before = house.rooms.get(auction).await.unwrap().view(None);
    let house = house.reopened().await;
    let snapshot = bidhub::journal::Journal::open(&house.journal, auction).await.unwrap().unwrap().snapshot;
    assert_eq!(snapshot.expect("a snapshot was kept").head.seq, before.seq);
    house.bid(auction, max(50, "after the snapshot", 9_000_000)).await.unwrap();
    for (bid, verdict) in verdicts {
        assert_eq!(house.bid(auction, bid).await, Ok(verdict));
    }
    let replayed = house.verified(auction).await;
    let house = house.reopened().await;
    let view = house.rooms.get(auction).await.unwrap().view(Some(account(50)));
    assert_eq!(view.public, replayed.public(), "snapshot and tail lead where the whole log leads");
    assert_eq!(view.own, Some(replayed.own(account(50))));
}

#[tokio::test]
async fn an_auction_whose_end_passed_unwatched_is_extended_after_an_outage_and_not_otherwise() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "first", 900)).await.unwrap();
    house.rooms.close().await;
    house.clock.advance(Span::from_secs(3_700));
    let house = house.reopened().await;
    let view = house.rooms.get(auction).await.unwrap();
    eventually("the end is moved", || async { view.seq().0 == 4 }).await;
    assert_eq!(house.kinds(auction).await, ["opened", "bid", "suspended", "extended"]);
    let ends_at = view.view(None).public.ends_at;
    house.clock.advance(ends_at.since(house.clock.now()));
    assert_eq!(house.bid(auction, max(11, "late", 9_000)).await, Err(Rejection::AuctionClosed));
    assert!(matches!(house.verified(auction).await.phase, Phase::Ended { .. }));
}

#[tokio::test]
async fn a_room_that_panics_tells_its_watchers_and_the_next_one_serves_them() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "first", 900)).await.unwrap();
    let witness = Witness::new(1);
    let watcher: Arc<dyn Watcher> = witness.clone();
    let (room, joined) = house.rooms.join(auction, &watcher, None, None, |joined| joined).await.unwrap();
    house.door.then([Fate::Panic]);
    assert_eq!(house.bid(auction, max(11, "second", 2_000)).await, Err(Rejection::Unavailable));
    tokio::time::timeout(Duration::from_secs(5), witness.abandoned.notified()).await.expect("told to join again");
    drop(room);
    let resume = Resume { after: joined.view.seq, log: Some(joined.view.log) };
    let (_, again) = house.rooms.join(auction, &watcher, None, Some(resume), |joined| joined).await.unwrap();
    assert_eq!(again.missed.expect("the same history").len(), 0);
    house.bid(auction, max(11, "second", 2_000)).await.unwrap();
    eventually("the event is seen", || async { witness.seen().len() == 1 }).await;
    assert_eq!(house.keys(auction).await, ["first", "second"]);
}

#[tokio::test]
async fn closing_the_rooms_answers_what_is_under_way() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "first", 900)).await.unwrap();
    house.door.then([Fate::Stall(Duration::from_millis(100))]);
    let rooms = house.rooms.clone();
    let bid = tokio::spawn(async move { rooms.bid(auction, max(11, "second", 2_000)).await });
    house.door.appending.notified().await;
    house.door.appending.notified().await;
    house.rooms.close().await;
    assert_eq!(bid.await.unwrap().unwrap().seq.0, 3);
    assert_eq!(house.bid(auction, max(12, "third", 5_000)).await, Err(Rejection::Unavailable));
    assert_eq!(house.keys(auction).await, ["first", "second"]);
}

#[tokio::test]
async fn those_who_wait_while_a_load_fails_get_one_room_together() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    let (fails, passes) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    house.door.then_opens([Open::Fail(fails.clone()), Open::Pass(passes.clone())]);
    let get = || {
        let rooms = house.rooms.clone();
        tokio::spawn(async move { rooms.get(auction).await })
    };
    let first = get();
    house.door.opening.notified().await;
    let second = get();
    tokio::task::yield_now().await;
    fails.notify_one();
    assert!(first.await.unwrap().is_err());
    house.door.opening.notified().await;
    let third = get();
    tokio::task::yield_now().await;
    passes.notify_one();
    let (second, third) = (second.await.unwrap().unwrap(), third.await.unwrap().unwrap());
    house.bid(auction, straight(10, "bid", 500)).await.unwrap();
    assert_eq!((second.seq().0, third.seq().0), (2, 2), "both have the room that decides");
}

#[tokio::test]
async fn who_gives_up_waiting_for_a_room_leaves_nothing_behind() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.door.then_opens([Open::Pass(Arc::new(Notify::new()))]);
    let rooms = house.rooms.clone();
    let waiting = tokio::spawn(async move { rooms.get(auction).await.map(drop) });
    house.door.opening.notified().await;
    assert_eq!(house.rooms.len(), 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(house.rooms.is_empty());
    house.bid(auction, straight(10, "bid", 500)).await.unwrap();
    assert_eq!(house.rooms.len(), 1);
}
