//! The connections that carry news are cut again and again: what was missed is read from the log.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::Plan;
use crate::redis::Server;
use crate::{long, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mirrors_are_equal_to_the_log_however_often_their_news_are_cut_off() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(48, Duration::from_millis(150), seed).await;
    crowd.acks(100).await;
    let mut cut = 0;
    for _ in 0..if long() { 100 } else { 10 } {
        cut += redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).parse::<u32>().expect("a count");
        crowd.acks(50).await;
    }
    assert!(cut >= 10, "only {cut} connections were there to be cut");
    // A cut just before all falls silent: nothing later tells of what was missed.
    redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    crowd.reckon(&cluster, Allowed::default()).await;
}
