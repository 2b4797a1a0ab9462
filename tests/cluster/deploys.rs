//! Rolling deploys: each node in turn stops in good order and comes back while all bid.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::Plan;
use crate::crowd::longest_silence;
use crate::redis::Server;
use crate::{long, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_node_stops_and_comes_back_under_load_and_no_bid_fails() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(64, Duration::from_millis(200), seed).await;
    let mut stops = Vec::new();
    for node in (0..3).cycle().take(if long() { 15 } else { 3 }) {
        crowd.acks(150).await;
        let owned = cluster.owner().await == node;
        let from = crowd.now();
        let took = cluster.stop(node).await;
        stops.push((from, owned, took, crowd.now()));
        crowd.acks(100).await;
        cluster.start_again(node).await;
    }
    crowd.acks(150).await;
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    for (from, owned, took, until) in stops {
        let told: Vec<_> = outcome.history.told.iter().filter(|told| told.told_at < until).cloned().collect();
        let (silence, _) = longest_silence(&told, from);
        let role = if owned { "the owner" } else { "a node that owns nothing" };
        println!("{role} stopped in {took:?}; nobody was answered for at most {} ms", silence.as_millis());
    }
    let tries = outcome.tally.tries;
    assert_eq!((tries.unavailable, tries.silent), (0, 0), "no bid fails, and none waits in vain");
}
