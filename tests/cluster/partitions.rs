//! Between a node and Redis: lost replies, and partitions both ways and one way.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::{Cluster, LEASE_TTL, PATIENCE, Plan};
use crate::proxy::Way;
use crate::redis::Server;
use crate::{long, seed};

const PACE: Duration = Duration::from_millis(200);
/// Longer than a follower takes to notice that it hears nothing.
const CUT_OFF: Duration = Duration::from_millis(2_500);

async fn behind_proxies(redis: &Server) -> Option<Cluster> {
    Plan::new(3, redis.url()).through_proxies(redis.port()).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_lost_has_one_effect_and_one_verdict() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = behind_proxies(&redis).await else { return };
    let crowd = cluster.crowd(64, PACE, seed).await;
    for _ in 0..if long() { 50 } else { 6 } {
        crowd.acks(60).await;
        let proxy = &cluster.proxies[cluster.owner().await];
        // Only a commit names all of these: the script, the log, and where its news go.
        let before = proxy.swallowed_so_far();
        proxy.swallow_reply_to(&["EVALSHA", ":log", ":news"]);
        let swallowed = tokio::time::timeout(PATIENCE, proxy.swallowed(before + 1)).await;
        assert!(swallowed.is_ok(), "the owner commits");
    }
    crowd.acks(100).await;
    crowd.reckon(&cluster, Allowed::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_between_the_owner_and_redis_moves_the_room_and_leaves_nothing_stale() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = behind_proxies(&redis).await else { return };
    let mut crowd = cluster.crowd(64, PACE, seed).await;
    for (round, way) in [None, Some(Way::Up), Some(Way::Down)].into_iter().enumerate() {
        crowd.acks(100).await;
        let owner = cluster.owner().await;
        let mut late = cluster.bidder(&format!("late-{round}"), owner, &crowd).await;
        late.connect().await;
        println!("node {owner} is cut off: {way:?}");
        match way {
            None => cluster.proxies[owner].freeze(),
            Some(way) => cluster.proxies[owner].freeze_way(way),
        }
        tokio::time::sleep(LEASE_TTL).await;
        crowd.acks(100).await;
        // The former owner is asked beyond its lease. It must not answer by what it knows.
        let asking = tokio::spawn(late.ask(format!("late-{round}"), 1));
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.proxies[owner].heal();
        crowd.add(tokio::time::timeout(PATIENCE, asking).await.expect("an answer in time").unwrap());
    }
    crowd.acks(100).await;
    crowd.reckon(&cluster, Allowed::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_is_cut_off_catches_up_without_a_gap() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = behind_proxies(&redis).await else { return };
    let crowd = cluster.crowd(48, PACE, seed).await;
    for way in [None, Some(Way::Up), Some(Way::Down)] {
        crowd.acks(60).await;
        let follower = (cluster.owner().await + 1) % 3;
        match way {
            None => cluster.proxies[follower].freeze(),
            Some(way) => cluster.proxies[follower].freeze_way(way),
        }
        tokio::time::sleep(CUT_OFF).await;
        crowd.acks(50).await;
        cluster.proxies[follower].heal();
        // And once more with connections that end in the middle.
        crowd.acks(60).await;
        cluster.proxies[follower].refuse();
        tokio::time::sleep(CUT_OFF / 2).await;
        crowd.acks(50).await;
        cluster.proxies[follower].heal();
    }
    crowd.acks(100).await;
    crowd.reckon(&cluster, Allowed::default()).await;
}
