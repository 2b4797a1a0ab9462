//! One room on several nodes: who runs it, who follows it, and what becomes of bids while that changes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bidhub::clock::Clock;
use bidhub::coordination::rendezvous::rank;
use bidhub::domain::auction::{Bid, Rejection, Verdict};
use bidhub::domain::{AuctionId, Seq};
use bidhub::room::Watcher;

use crate::house::*;
use crate::town::{Node, town};

pub async fn owner(nodes: &[Node], auction: AuctionId) -> usize {
    eventually("somebody runs the room", || async { owners(nodes, auction).len() == 1 }).await;
    owners(nodes, auction)[0]
}

pub fn owners(nodes: &[Node], auction: AuctionId) -> Vec<usize> {
    (0..nodes.len()).filter(|index| nodes[*index].rooms.owned().contains(&auction)).collect()
}

pub async fn seen_at(node: &Node, auction: AuctionId, seq: u64) {
    eventually("it is seen there too", || async {
        node.rooms.get(auction).await.is_ok_and(|room| room.seq() >= Seq(seq))
    })
    .await;
}

fn clock() -> Clock {
    Clock::manual(start())
}

#[tokio::test]
async fn one_node_runs_a_room_and_every_node_takes_bids_and_shows_them_in_the_same_order() {
    let nodes = town(3, &clock());
    let auction = nodes[0].auction(terms(start())).await;
    let witnesses: Vec<_> = (0..3).map(Witness::new).collect();
    for (node, witness) in nodes.iter().zip(&witnesses) {
        let watcher: Arc<dyn Watcher> = witness.clone();
        node.rooms.join(auction, &watcher, None, None, |_| ()).await.unwrap();
    }
    owner(&nodes, auction).await;
    for number in 0..60_i64 {
        let bid = max(10 + number as u128 % 2, &number.to_string(), 1_000 * (number + 1));
        let verdict = nodes[number as usize % 3].bid(auction, bid).await.unwrap();
        assert!(verdict.leading);
    }
    let log = nodes[0].log(auction);
    assert_eq!(log.len(), 61, "opened and sixty bids");
    let public: Vec<_> = log.iter().map(|record| record.public.clone()).collect();
    for witness in witnesses {
        eventually("all is seen", || async { witness.seen().len() >= 60 }).await;
        assert!(public.ends_with(&witness.seen()), "in the order of the log");
    }
    assert_eq!(owners(&nodes, auction).len(), 1);
}

#[tokio::test]
async fn news_and_messages_that_are_lost_leave_no_gap_and_no_bid_without_its_verdict() {
    let nodes = town(2, &clock());
    let auction = nodes[0].auction(terms(start())).await;
    let (first, second) = (&nodes[0], &nodes[1]);
    first.rooms.get(auction).await.unwrap();
    second.rooms.get(auction).await.unwrap();
    for number in 0..10_i64 {
        first.common.lose_news.store(1, Ordering::SeqCst);
        first.common.lose_messages.store(number as u64 % 3, Ordering::SeqCst);
        let node = &nodes[number as usize % 2];
        node.bid(auction, max(10 + number as u128 % 2, &number.to_string(), 1_000 * (number + 1))).await.unwrap();
    }
    seen_at(first, auction, 11).await;
    seen_at(second, auction, 11).await;
    let keys: HashSet<_> = first.log(auction).iter().map(|record| record.digest).collect();
    assert_eq!(keys.len(), 11, "each bid once");
}

#[tokio::test]
async fn a_node_that_retires_hands_its_room_over_and_no_bid_fails() {
    let nodes = town(2, &clock());
    let auction = nodes[0].auction(terms(start())).await;
    for node in &nodes {
        node.rooms.get(auction).await.unwrap();
    }
    let former = owner(&nodes, auction).await;
    let bids = (0..40_i64).map(|number| {
        let node = &nodes[number as usize % 2];
        async move {
            tokio::time::sleep(Duration::from_millis(number as u64)).await;
            node.bid(auction, straight(10 + number as u128 % 2, &number.to_string(), 1_000 * (number + 1))).await
        }
    });
    let (verdicts, ()) = tokio::join!(futures_util::future::join_all(bids), async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        nodes[former].retire().await;
    });
    assert!(verdicts.iter().all(|verdict| *verdict != Err(Rejection::Unavailable)), "{verdicts:?}");
    eventually("the other runs it", || async { owners(&nodes, auction) == [1 - former] }).await;
    let accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    assert_eq!(nodes[0].log(auction).len(), accepted + 1);
}

#[tokio::test]
async fn an_owner_that_is_cut_off_falls_silent_and_another_goes_on_with_all_that_was_acknowledged() {
    let nodes = town(3, &clock());
    let auction = nodes[0].auction(terms(start())).await;
    for node in &nodes {
        node.rooms.get(auction).await.unwrap();
    }
    let former = owner(&nodes, auction).await;
    let other = (former + 1) % 3;
    let first = nodes[other].bid(auction, max(10, "first", 1_000)).await.unwrap();
    nodes[former].cut(true);
    let second = nodes[other].bid(auction, max(11, "second", 5_000)).await.unwrap();
    assert!(second.seq > first.seq && second.leading);
    eventually("the former owner knows", || async { !owners(&nodes, auction).contains(&former) }).await;
    let refused = nodes[former].bid(auction, max(12, "third", 9_000)).await;
    assert_eq!(refused, Err(Rejection::Unavailable), "a node that reaches nobody decides nothing");
    nodes[former].cut(false);
    seen_at(&nodes[former], auction, second.seq.0).await;
    let again = nodes[former].bid(auction, max(11, "second", 5_000)).await;
    assert_eq!(again, Ok(second), "the same verdict wherever one asks");
}

#[tokio::test]
async fn what_the_journal_has_lost_the_mirrors_give_back() {
    let nodes = town(2, &clock());
    let auction = nodes[0].auction(terms(start())).await;
    for node in &nodes {
        node.rooms.get(auction).await.unwrap();
    }
    let mut last = None;
    for number in 0..8_i64 {
        last = Some(nodes[0].bid(auction, max(10, &number.to_string(), 1_000 * (number + 1))).await.unwrap());
    }
    let last = last.unwrap();
    seen_at(&nodes[1], auction, last.seq.0).await;
    let before = nodes[0].log(auction);
    nodes[0].common.rewind(auction, 4);
    let next = insist(&nodes[1], auction, max(11, "next", 90_000)).await;
    assert_eq!(next.seq, last.seq.next());
    assert_eq!(nodes[0].log(auction)[..before.len()], before, "nothing acknowledged is gone");
}

/// Sends a bid until there is a verdict on it: whoever ran the room when the log was rewound cannot say at first.
async fn insist(node: &Node, auction: AuctionId, bid: Bid) -> Verdict {
    for _ in 0..100 {
        match node.bid(auction, bid.clone()).await {
            Err(Rejection::Unavailable) => tokio::time::sleep(Duration::from_millis(20)).await,
            verdict => return verdict.unwrap(),
        }
    }
    panic!("nobody decides it");
}

#[tokio::test]
async fn what_others_hold_is_asked_for_again_when_the_question_is_lost() {
    let nodes = town(2, &clock());
    let ids: Vec<_> = nodes.iter().map(|node| node.id).collect();
    // The second has never had this room: all it can know is what the other tells it.
    let auction = loop {
        let auction = nodes[0].auction(terms(start())).await;
        if rank(auction, &ids, nodes[0].id) == Some(0) {
            break auction;
        }
    };
    let mut last = None;
    for number in 0..8_i64 {
        last = Some(nodes[0].bid(auction, max(10, &number.to_string(), 1_000 * (number + 1))).await.unwrap());
    }
    let before = nodes[0].log(auction);
    // The word that the room is vacant, and the first question.
    nodes[0].common.lose_messages.store(2, Ordering::SeqCst);
    nodes[0].common.rewind(auction, 4);
    let next = insist(&nodes[1], auction, max(11, "next", 90_000)).await;
    assert_eq!(next.seq, last.unwrap().seq.next());
    assert_eq!(nodes[0].log(auction)[..before.len()], before, "nothing acknowledged is gone");
}

#[tokio::test]
async fn a_node_that_retires_finds_another_for_a_room_that_nobody_else_has() {
    let nodes = town(2, &clock());
    let ids: Vec<_> = nodes.iter().map(|node| node.id).collect();
    // The first runs it from the beginning, and the other never hears of it.
    let auction = loop {
        let auction = nodes[0].auction(terms(start())).await;
        if rank(auction, &ids, nodes[0].id) == Some(0) {
            break auction;
        }
    };
    let first = nodes[0].bid(auction, max(10, "first", 1_000)).await.unwrap();
    nodes[0].retire().await;
    eventually("the other runs it", || async { owners(&nodes, auction) == [1] }).await;
    let second = insist(&nodes[0], auction, max(11, "second", 5_000)).await;
    assert!(second.leading && second.seq > first.seq);
}
