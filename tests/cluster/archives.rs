//! PostgreSQL goes away under load: bidding goes on without it, nothing is trimmed, and what was missed is caught up.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::{PATIENCE, Plan, eventually};
use crate::redis::Server;
use crate::{long, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bidding_goes_on_while_postgres_is_down_and_everything_is_archived_after() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(64, Duration::from_millis(200), seed).await;
    crowd.acks(200).await;
    cluster.postgres.stop();
    let down_at = crowd.now();
    let lasts = Duration::from_secs(if long() { 60 } else { 8 });
    while crowd.now() - down_at < lasts {
        crowd.acks(50).await;
    }
    let archived: u64 = redis.cli(&["HGET", &key(&crowd.auction, "meta"), "archived"]).parse().unwrap_or(0);
    let first = redis.cli(&["XRANGE", &key(&crowd.auction, "log"), "-", "+", "COUNT", "1"]);
    let first: u64 = first.split('-').next().and_then(|seq| seq.parse().ok()).expect("the stream has entries");
    assert!(first <= archived + 512, "the stream begins with {first}, the archive ends at {archived}");
    let last = redis.cli(&["XREVRANGE", &key(&crowd.auction, "log"), "+", "-", "COUNT", "1"]);
    let last: u64 = last.split('-').next().and_then(|seq| seq.parse().ok()).expect("the stream has entries");
    assert!(last > archived + 100, "bidding went on: {last}, the archive ends at {archived}");
    cluster.postgres.start_again().await;
    crowd.acks(100).await;
    let auction = crowd.auction.clone();
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    // The tables for reading say the same as the log, each bid once.
    let mut expected: Vec<u64> =
        outcome.truth.facts.iter().filter(|fact| fact.verdict.is_some()).map(|fact| fact.event.seq.0).collect();
    expected.sort_unstable();
    let rest = &cluster.nodes[1].rest;
    let path = format!("/api/auctions/{auction}/bids");
    eventually("the history of bids is whole", PATIENCE, || async {
        let mut seqs: Vec<u64> = rest.all(&path).await.iter().filter_map(|bid| bid["seq"].as_u64()).collect();
        seqs.sort_unstable();
        seqs == expected
    })
    .await;
}

fn key(auction: &str, name: &str) -> String {
    format!("bidhub:{{{auction}}}:{name}")
}
