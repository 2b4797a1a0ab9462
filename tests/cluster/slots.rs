//! A Redis Cluster of six: the slot of an auction moves while all bid on it.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::Plan;
use crate::redis::Cluster as RedisCluster;
use crate::seed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slot_of_an_auction_moves_during_bidding_and_nothing_is_lost() {
    let seed = seed();
    let Some(redis) = RedisCluster::start().await else { return };
    let Some(cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(48, Duration::from_millis(250), seed).await;
    let key = format!("bidhub:{{{}}}:log", crowd.auction);
    for _ in 0..2 {
        crowd.acks(100).await;
        let from = redis.owner(&key);
        let to = redis.migrate(&key);
        assert_ne!(from, to);
        crowd.acks(150).await;
    }
    crowd.reckon(&cluster, Allowed { new_log: true, ..Allowed::default() }).await;
}
