//! Nodes that die, and nodes that are paused for longer than their right lasts.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::{LEASE_TTL, PATIENCE, Plan};
use crate::crowd::longest_silence;
use crate::history::Told;
use crate::redis::Server;
use crate::{long, seed};

/// What a machine with much else to do may add to the life of a lease before bidding goes on.
const NOISE: Duration = Duration::from_secs(5);
const PACE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_killed_loses_no_acknowledged_bid_and_is_soon_replaced() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(64, PACE, seed).await;
    let mut kills = Vec::new();
    for _ in 0..if long() { 20 } else { 2 } {
        crowd.acks(200).await;
        let owner = cluster.owner().await;
        kills.push(crowd.now());
        cluster.kill(owner);
        crowd.acks(200).await;
        assert_ne!(cluster.owner().await, owner);
        cluster.start_again(owner).await;
    }
    crowd.acks(200).await;
    assert!(cluster.metric("bidhub_takeovers_total").await >= 1.0);
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    for killed in kills {
        let told: Vec<Told> = until(&outcome.history.told, killed + LEASE_TTL + NOISE * 2);
        let (silence, _) = longest_silence(&told, killed);
        println!("after the owner was killed nobody was answered for {} ms", silence.as_millis());
        assert!(silence < LEASE_TTL + NOISE, "bidding stood still for {silence:?}");
    }
}

/// What was told up to a moment.
fn until(told: &[Told], at: Duration) -> Vec<Told> {
    told.iter().filter(|told| told.told_at < at).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_paused_beyond_its_lease_commits_and_says_nothing_stale() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(3, redis.url()).start().await else { return };
    let mut crowd = cluster.crowd(64, PACE, seed).await;
    for round in 0..if long() { 20 } else { 2 } {
        crowd.acks(150).await;
        let owner = cluster.owner().await;
        let mut late = [cluster.bidder("late", owner, &crowd).await, cluster.bidder("later", owner, &crowd).await];
        for late in &mut late {
            late.connect().await;
        }
        cluster.nodes[owner].pause();
        // The others go on, and for longer than the lease lasts.
        tokio::time::sleep(LEASE_TTL).await;
        crowd.acks(150).await;
        // These lie in the sockets of the former owner when its time goes on. It has missed everything since, so what it
        // knows would refuse the first with a minimum of long ago, and accept the second.
        let [first, second] = late;
        let asking = [
            tokio::spawn(first.ask(format!("late-{round}"), 1)),
            tokio::spawn(second.ask(format!("later-{round}"), 1_000_000 * (round + 1))),
        ];
        tokio::time::sleep(Duration::from_millis(100)).await;
        cluster.nodes[owner].resume();
        for asking in asking {
            let told = tokio::time::timeout(PATIENCE, asking).await.expect("an answer in time").unwrap();
            crowd.add(told);
        }
        crowd.acks(150).await;
    }
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    assert!(outcome.truth.bids() > 400);
}
