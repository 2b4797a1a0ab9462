//! What watchers are told: every event in order, what they missed, or the state.

use std::sync::Arc;

use bidhub::domain::Seq;
use bidhub::room::{Joined, Resume, RoomError, Watcher};

use crate::house::*;

#[tokio::test]
async fn a_watcher_hears_everything_after_its_join_in_order() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, max(10, "first", 900)).await.unwrap();
    let witness = Witness::new(1);
    let watcher: Arc<dyn Watcher> = witness.clone();
    let (_, at) = house.rooms.join(auction, &watcher, None, None, |joined| joined.view.seq).await.unwrap();
    for number in 0..50_i64 {
        house.bid(auction, max(11 + number as u128 % 2, &format!("{number}"), 2_000 * (number + 1))).await.unwrap();
    }
    let log = house.records(auction).await;
    eventually("all is seen", || async { witness.seen().len() == 50 }).await;
    let told: Vec<_> = log[at.0 as usize..].iter().map(|record| record.public.clone()).collect();
    assert_eq!(witness.seen(), told);
}

#[tokio::test]
async fn whoever_comes_back_gets_what_it_missed_or_else_the_state() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    for number in 0..1_100_i64 {
        house.bid(auction, max(10, &format!("{number}"), 1_000 + number)).await.unwrap();
    }
    let watcher: Arc<dyn Watcher> = Witness::new(1);
    let join = async |after: u64, log| -> Joined {
        let resume = Some(Resume { after: Seq(after), log });
        house.rooms.join(auction, &watcher, Some(account(10)), resume, |joined| joined).await.unwrap().1
    };
    let seq = join(0, None).await.view.seq;
    assert_eq!(seq, Seq(1_101));
    let history = join(1_100, None).await.view.log;
    let log = house.records(auction).await;
    for after in [1_101, 1_100, 500, 78, 77] {
        let missed = join(after, Some(history)).await.missed.expect("at hand");
        let public: Vec<_> = log[after as usize..].iter().map(|record| record.public.clone()).collect();
        assert_eq!(missed, public);
    }
    assert_eq!(join(0, Some(history)).await.missed, None, "too long ago");
    assert_eq!(join(1_102, Some(history)).await.missed, None, "ahead of what there is");
    let other = bidhub::domain::LogId(uuid::Uuid::from_u128(5));
    assert_eq!(join(1_100, Some(other)).await.missed, None, "another history");
    assert_eq!(join(1_100, None).await.view.own.unwrap().max, Some(money(2_099)));
}

#[tokio::test]
async fn there_is_no_room_without_an_auction() {
    let house = House::new().await;
    let nobody = bidhub::domain::AuctionId(uuid::Uuid::from_u128(404));
    assert!(matches!(house.rooms.get(nobody).await, Err(RoomError::Unknown)));
    assert!(!house.rooms.is_loaded(nobody), "nothing is kept for it");
}
