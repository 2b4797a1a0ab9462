//! Bids for which money has to be set aside first, on several nodes: the purse is asked where the bidder is, the bid decided
//! where the room is run. `BIDHUB_SEED` repeats the choices of a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::domain::auction::{Audit, Bid, EventKind, Funds, Rejection, Terms, Verdict};
use bidhub::domain::{AuctionId, BidKey, Seq, Span, Timestamp};
use bidhub::room::Limits;
use tokio::task::JoinHandle;

use crate::house::*;
use crate::purse::Purse;
use crate::roles::{owner, owners, seen_at};
use crate::town::{Node, funded_town};

const PLENTY: i64 = 1_000_000;

fn funded_terms(now: Timestamp) -> Terms {
    Terms { funds: Funds::Required, ..terms(now) }
}

/// Nodes that all have the room: the owner and another.
async fn nodes(count: u128, purse: &Arc<Purse>) -> (Vec<Node>, AuctionId, usize, usize) {
    let nodes = funded_town(count, &Clock::manual(start()), Limits::default(), purse.clone());
    let auction = nodes[0].auction(funded_terms(start())).await;
    for node in &nodes {
        node.rooms.get(auction).await.unwrap();
    }
    let owner = owner(&nodes, auction).await;
    for node in &nodes {
        seen_at(node, auction, 1).await;
    }
    let gateway = (owner + 1) % nodes.len();
    (nodes, auction, owner, gateway)
}

fn sent(node: &Node, auction: AuctionId, bid: Bid) -> JoinHandle<Result<Verdict, Rejection>> {
    let rooms = node.rooms.clone();
    tokio::spawn(async move { rooms.bid(auction, bid).await })
}

async fn asked(purse: &Purse, times: usize) {
    eventually("the purse is asked", || async { purse.times() == times }).await;
}

fn kinds(node: &Node, auction: AuctionId) -> Vec<String> {
    node.log(auction).iter().map(|record| record.public().unwrap().kind.into_owned()).collect()
}

#[tokio::test]
async fn a_bid_through_another_node_is_funded_there_and_decided_by_the_owner() {
    let purse = Purse::of(PLENTY);
    let (nodes, auction, owner, gateway) = nodes(2, &purse).await;
    let verdict = nodes[gateway].bid(auction, max(10, "k", 500)).await.unwrap();
    assert_eq!((verdict.seq.0, verdict.leading, verdict.your_max), (3, true, money(500)));
    assert_eq!(kinds(&nodes[0], auction), ["opened", "private", "bid"]);
    assert_eq!(nodes[owner].bid(auction, max(10, "k", 500)).await, Ok(verdict), "the same verdict wherever one asks");
    assert_eq!(purse.times(), 1);
    for node in &nodes {
        seen_at(node, auction, 3).await;
        let own = node.rooms.get(auction).await.unwrap().view(Some(account(10))).own.unwrap();
        assert_eq!(own.allowance, money(500));
    }
}

#[tokio::test]
async fn a_raise_that_is_lost_on_the_way_and_a_verdict_that_is_lost_on_the_way_back_are_made_up_for() {
    let purse = Purse::of(PLENTY);
    let (nodes, auction, _, gateway) = nodes(2, &purse).await;
    let common = nodes[0].common.clone();
    // The bid with its raise never arrives.
    let gate = purse.gate();
    let bid = sent(&nodes[gateway], auction, max(10, "there", 500));
    asked(&purse, 1).await;
    common.lose_messages.store(1, Ordering::SeqCst);
    gate.notify_one();
    assert!(bid.await.unwrap().unwrap().leading);
    // It arrives and is decided, but the word of it does not come back.
    let gate = purse.gate();
    let bid = sent(&nodes[gateway], auction, max(11, "back", 900));
    asked(&purse, 2).await;
    common.stalled.store(true, Ordering::SeqCst);
    gate.notify_one();
    eventually("it is being committed", || async { common.waiting.load(Ordering::SeqCst) == 1 }).await;
    common.lose_messages.store(1, Ordering::SeqCst);
    common.stalled.store(false, Ordering::SeqCst);
    let verdict = bid.await.unwrap().unwrap();
    assert_eq!((verdict.seq.0, verdict.leading), (5, true));
    assert_eq!(common.lose_messages.load(Ordering::SeqCst), 0, "it was lost");
    assert_eq!(kinds(&nodes[0], auction), ["opened", "private", "bid", "private", "bid"], "each once");
    assert_eq!(purse.times(), 2);
}

#[tokio::test]
async fn an_owner_that_is_gone_before_the_raise_comes_is_followed_by_one_that_decides_it() {
    let purse = Purse::of(PLENTY);
    let (nodes, auction, former, gateway) = nodes(3, &purse).await;
    let gate = purse.gate();
    let bid = sent(&nodes[gateway], auction, max(10, "k", 500));
    asked(&purse, 1).await;
    nodes[former].cut(true);
    gate.notify_one();
    let verdict = bid.await.unwrap().unwrap();
    assert_eq!((verdict.seq.0, verdict.leading), (3, true));
    eventually("another runs it", || async { owners(&nodes, auction).iter().any(|owner| *owner != former) }).await;
    assert_eq!(kinds(&nodes[gateway], auction), ["opened", "private", "bid"]);
    // It was refused for want of funds by the former owner alone; nobody else knows of that, and nobody needs to.
    assert_eq!(nodes[gateway].bid(auction, max(10, "k", 500)).await, Ok(verdict));
    assert_eq!(purse.times(), 1);
}

#[tokio::test]
async fn a_node_whose_room_is_handed_over_meanwhile_asks_the_next_owner() {
    let purse = Purse::of(PLENTY);
    let (nodes, auction, former, _) = nodes(2, &purse).await;
    let gate = purse.gate();
    let bid = sent(&nodes[former], auction, max(10, "k", 500));
    asked(&purse, 1).await;
    nodes[former].retire().await;
    eventually("the other runs it", || async { owners(&nodes, auction) == [1 - former] }).await;
    gate.notify_one();
    assert!(bid.await.unwrap().unwrap().leading);
    assert_eq!(kinds(&nodes[0], auction), ["opened", "private", "bid"]);
}

/// What a bidder was told at last of a bid.
type Told = HashMap<(u128, BidKey), Result<Verdict, Rejection>>;

/// Sends bids one after the other through any node, again and again under one key until there is a verdict.
async fn bids(number: u128, nodes: Arc<Vec<Node>>, auction: AuctionId, chance: Chance) -> Told {
    let mut told = Told::new();
    for round in 0..12 {
        let amount = 100 + 250 * round + chance.below(900) as i64;
        let bid = match chance.below(3) {
            0 => straight(number, &format!("k{round}"), amount),
            _ => max(number, &format!("k{round}"), amount),
        };
        loop {
            let node = &nodes[chance.below(nodes.len() as u64) as usize];
            match node.bid(auction, bid.clone()).await {
                Err(Rejection::Unavailable | Rejection::Busy | Rejection::BidInFlight) => {
                    tokio::time::sleep(Duration::from_millis(chance.below(40))).await;
                }
                verdict => {
                    told.insert((number, bid.key.clone()), verdict);
                    break;
                }
            }
        }
    }
    told
}

/// Lowers and raises allowances by hand, through any node: the purse first, then the room.
async fn meddles(nodes: Arc<Vec<Node>>, auction: AuctionId, purse: Arc<Purse>, chance: Chance, over: Arc<AtomicBool>) {
    while !over.load(Ordering::SeqCst) {
        let bidder = account(10 + u128::from(chance.below(4)));
        let act = purse.set(auction, bidder, chance.below(3_000) as i64);
        let node = &nodes[chance.below(nodes.len() as u64) as usize];
        // It may be refused, for the bidder leads or a newer one came first; or not be known at all.
        let _ = node.rooms.act(auction, act).await;
        tokio::time::sleep(Duration::from_millis(chance.below(60))).await;
    }
}

/// Loses messages and news, and cuts one node off after the other.
async fn breaks(nodes: Arc<Vec<Node>>, chance: Chance, over: Arc<AtomicBool>) {
    while !over.load(Ordering::SeqCst) {
        let common = &nodes[0].common;
        common.lose_messages.store(chance.below(4), Ordering::SeqCst);
        common.lose_news.store(chance.below(3), Ordering::SeqCst);
        if chance.below(5) == 0 {
            let node = &nodes[chance.below(nodes.len() as u64) as usize];
            node.cut(true);
            tokio::time::sleep(Duration::from_millis(chance.below(900))).await;
            node.cut(false);
        }
        tokio::time::sleep(Duration::from_millis(chance.below(150))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_lost_nobody_leads_with_money_that_is_not_set_aside_and_every_verdict_stands() {
    let seed = std::env::var("BIDHUB_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| Chance::System.below(1 << 32));
    println!("BIDHUB_SEED={seed}");
    let chance = Chance::seeded(seed);
    let purse = Purse::of(2_600);
    let limits = Limits { bid_deadline: Span::from_secs(2), raises_max: 3, raises_waiting_max: 2, ..Limits::default() };
    let nodes = Arc::new(funded_town(3, &Clock::System, limits, purse.clone()));
    let held_on = funded_terms(Clock::System.now());
    let auction = nodes[0].auction(held_on.clone()).await;
    let over = Arc::new(AtomicBool::new(false));
    let each = |salt: u64| Chance::seeded(seed ^ (salt << 40));
    let trouble = [
        tokio::spawn(meddles(nodes.clone(), auction, purse.clone(), each(1), over.clone())),
        tokio::spawn(breaks(nodes.clone(), chance, over.clone())),
    ];
    let crowd: Vec<_> =
        (0..4).map(|number| tokio::spawn(bids(10 + number, nodes.clone(), auction, each(2 + number as u64)))).collect();
    let mut told = Told::new();
    for bidder in crowd {
        told.extend(bidder.await.unwrap());
    }
    over.store(true, Ordering::SeqCst);
    for task in trouble {
        task.await.unwrap();
    }

    let mut audit = Audit::new(held_on);
    let mut accepted: HashMap<(u128, BidKey), Seq> = HashMap::new();
    for record in nodes[0].log(auction) {
        let event = record.event().unwrap();
        audit.check(&event).expect("the rules allow it: nobody bids above the allowance");
        match event.kind {
            EventKind::Bid(bid) => {
                let twice = accepted.insert((bid.bidder.0.as_u128(), bid.key), event.seq);
                assert_eq!(twice, None, "counted twice");
            }
            EventKind::AllowanceSet { bidder, amount, version } => {
                assert_eq!(purse.at(auction, bidder, version), Some(amount), "no such hold was ever made");
            }
            _ => {}
        }
    }
    audit.finish().unwrap();
    for (name, verdict) in &told {
        match verdict {
            Ok(verdict) => assert_eq!(accepted.get(name), Some(&verdict.seq), "{name:?}"),
            Err(rejection) => assert_eq!(accepted.get(name), None, "{name:?} was refused: {rejection:?}"),
        }
    }
    let funded = purse.times();
    let good = told.values().filter(|verdict| verdict.is_ok()).count();
    println!("{good} of {} bids accepted, {funded} raises asked for", told.len());
    assert!(good > 0 && funded > 0);
}
