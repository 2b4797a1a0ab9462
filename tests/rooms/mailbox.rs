//! What a room takes at once, and what it says when that is too much.

use std::sync::Arc;

use bidhub::domain::AuctionId;
use bidhub::domain::auction::{Bid, Rejection};
use bidhub::room::{Answer, Limits};
use tokio::sync::{Notify, oneshot};

use crate::house::*;
use crate::unruly::Fate;

type Waiting = oneshot::Receiver<Result<Answer, Rejection>>;

async fn submit(house: &House, auction: AuctionId, bid: Bid) -> Waiting {
    let (sender, receiver) = oneshot::channel();
    house.rooms.submit(auction, bid, reply_to(sender)).await;
    receiver
}

/// An auction whose room hangs in an append until the gate is opened.
async fn held(limits: Limits) -> (House, AuctionId, Arc<Notify>, Waiting) {
    let house = House::with(limits).await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(9, "opens the room", 500)).await.unwrap();
    house.door.appending.notified().await;
    let gate = Arc::new(Notify::new());
    house.door.then([Fate::Hold(gate.clone())]);
    let first = submit(&house, auction, straight(9, "held", 600)).await;
    house.door.appending.notified().await;
    (house, auction, gate, first)
}

#[tokio::test]
async fn a_full_mailbox_says_busy_and_leaves_the_key_open() {
    let (house, auction, gate, first) = held(Limits { mailbox_capacity: 4, ..Limits::default() }).await;
    let mut waiting = Vec::new();
    for number in 0..4 {
        waiting.push(submit(&house, auction, straight(20 + number, "key", 700 + 100 * number as i64)).await);
    }
    let refused = submit(&house, auction, straight(30, "key", 5_000)).await;
    assert_eq!(refused.await.unwrap(), Err(Rejection::Busy), "at once");
    gate.notify_one();
    assert!(first.await.unwrap().is_ok());
    for answer in waiting {
        assert!(answer.await.unwrap().is_ok());
    }
    house.bid(auction, straight(30, "key", 5_000)).await.expect("the same key may be sent again");
    house.verified(auction).await;
}

#[tokio::test]
async fn sixteen_bids_of_one_bidder_wait_and_the_next_is_refused() {
    let (house, auction, gate, first) = held(Limits::default()).await;
    let mut waiting = Vec::new();
    for number in 0..16 {
        waiting.push(submit(&house, auction, max(20, &format!("key-{number}"), 10_000 + number)).await);
    }
    assert_eq!(submit(&house, auction, max(20, "one more", 20_000)).await.await.unwrap(), Err(Rejection::BidInFlight));
    let other = submit(&house, auction, max(21, "another bidder", 50)).await;
    gate.notify_one();
    assert!(first.await.unwrap().is_ok());
    for answer in waiting {
        assert!(answer.await.unwrap().is_ok());
    }
    assert!(matches!(other.await.unwrap(), Err(Rejection::BidTooLow { .. })));
    house.bid(auction, max(20, "one more", 20_000)).await.expect("there is room again");
}

#[tokio::test]
async fn a_key_that_is_pending_joins_the_pending_verdict() {
    let (house, auction, gate, first) = held(Limits::default()).await;
    let one = submit(&house, auction, max(20, "key", 10_000)).await;
    let two = submit(&house, auction, max(20, "key", 10_000)).await;
    gate.notify_one();
    assert!(first.await.unwrap().is_ok());
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one, two);
    assert_eq!(house.keys(auction).await, ["opens-the-room", "held", "key"]);
}
