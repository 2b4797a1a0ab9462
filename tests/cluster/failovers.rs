//! A failover to a replica that has missed the last writes: the journal is rewound, the lease and its epoch with it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::{Cluster, LEASE_TTL, Plan, eventually};
use crate::crowd::Crowd;
use crate::proxy::{Proxy, Way};
use crate::redis::{Server, Setup, Watched};
use crate::seed;

const PACE: Duration = Duration::from_millis(200);

/// A primary, and a replica that follows it through a proxy, so that it can be made to miss writes.
struct Pair {
    primary: Server,
    replica: Server,
    replication: Proxy,
}

impl Pair {
    async fn start() -> Option<Self> {
        let primary = Server::start().await?;
        let replication = Proxy::to(local(primary.port())).await;
        let replica_of = Some(replication.address.port());
        let replica = Server::with(Setup { append_only: true, replica_of, ..Setup::default() }).await?;
        primary.has_replicas(1).await;
        Some(Self { primary, replica, replication })
    }

    /// From here on the replica misses what is written.
    fn lag(&self) {
        self.replication.freeze_way(Way::Down);
    }

    /// The primary is gone, the replica takes its place for all nodes.
    fn fail_over(&mut self, cluster: &Cluster) {
        self.primary.kill();
        self.replication.refuse();
        self.replica.cli(&["REPLICAOF", "NO", "ONE"]);
        cluster.proxies.iter().for_each(|proxy| proxy.repoint(local(self.replica.port())));
    }

    /// The former primary comes back as a replica.
    async fn follow(&mut self) {
        self.primary.restart().await;
        self.primary.cli(&["REPLICAOF", "127.0.0.1", &self.replica.port().to_string()]);
        self.replica.has_replicas(1).await;
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Three nodes before a pair, a crowd that is bidding, and the settings that a scenario adds.
async fn bidding(pair: &Pair, settings: &[(&'static str, &str)], seed: u64) -> Option<(Cluster, Crowd)> {
    let mut plan = Plan::new(3, pair.primary.url()).through_proxies(pair.primary.port());
    for (name, value) in settings {
        plan = plan.with(name, *value);
    }
    let cluster = plan.start().await?;
    let crowd = cluster.crowd(48, PACE, seed).await;
    crowd.acks(100).await;
    Some((cluster, crowd))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lagging_replica_missed_is_put_back_by_nodes_that_still_hold_it() {
    let seed = seed();
    let Some(mut pair) = Pair::start().await else { return };
    let Some((mut cluster, mut crowd)) = bidding(&pair, &[], seed).await else { return };
    // The room changes hands after the replica has stopped to hear: what it knows is an older epoch.
    pair.lag();
    let former = cluster.owner().await;
    let mut late = cluster.bidder("late", former, &crowd).await;
    late.connect().await;
    cluster.nodes[former].pause();
    tokio::time::sleep(LEASE_TTL).await;
    crowd.acks(150).await;
    pair.fail_over(&cluster);
    let asking = tokio::spawn(late.ask("late".to_owned(), 1));
    cluster.nodes[former].resume();
    crowd.acks(150).await;
    crowd.add(tokio::time::timeout(LEASE_TTL * 20, asking).await.expect("an answer in time").unwrap());
    let outcome = crowd.reckon(&cluster, Allowed { new_log: true, ..Allowed::default() }).await;
    assert_eq!(outcome.tally.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_ack_redis_what_nobody_holds_any_more_is_lost_under_a_new_log() {
    let seed = seed();
    let Some(mut pair) = Pair::start().await else { return };
    let Some((mut cluster, crowd)) = bidding(&pair, &[], seed).await else { return };
    let before = log_of(&cluster, &crowd).await;
    // The archive misses the last bids too, and no node lives to tell of them.
    cluster.postgres.stop();
    pair.lag();
    crowd.acks(150).await;
    for node in 0..3 {
        cluster.kill(node);
    }
    pair.fail_over(&cluster);
    cluster.postgres.start_again().await;
    for node in 0..3 {
        cluster.start_again(node).await;
    }
    crowd.acks(150).await;
    let outcome = crowd.reckon(&cluster, Allowed { loss: true, new_log: true, ..Allowed::default() }).await;
    println!("{} of {} acknowledged bids are lost", outcome.tally.lost, outcome.tally.accepted);
    assert!(outcome.tally.lost > 0, "the scenario takes something away");
    assert_ne!(outcome.truth.log.0.to_string(), before, "and everyone can see that it did");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_ack_replica_or_sql_nothing_acknowledged_is_lost_though_every_node_dies() {
    for ack in ["replica", "sql"] {
        let seed = seed();
        let Some(mut pair) = Pair::start().await else { return };
        let replicas = if ack == "replica" { "1" } else { "0" };
        let settings = [("BIDHUB_DEFAULT_ACK", ack), ("BIDHUB_REDIS_REPLICAS", replicas)];
        let Some((mut cluster, crowd)) = bidding(&pair, &settings, seed).await else { return };
        pair.lag();
        // With `sql` bidding goes on; with `replica` it stands still, and that is the point.
        if ack == "sql" {
            crowd.acks(100).await;
        } else {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for node in 0..3 {
            cluster.kill(node);
        }
        pair.fail_over(&cluster);
        pair.follow().await;
        for node in 0..3 {
            cluster.start_again(node).await;
        }
        crowd.acks(100).await;
        let outcome = crowd.reckon(&cluster, Allowed { new_log: true, ..Allowed::default() }).await;
        assert_eq!(outcome.tally.lost, 0, "{ack}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_choose_another_primary_and_bidding_goes_on() {
    let seed = seed();
    let Some(mut redis) = Watched::start(1).await else { return };
    let Some(cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(48, PACE, seed).await;
    crowd.acks(150).await;
    let former = redis.primary_port();
    redis.servers[0].kill();
    let now = redis.failed_over(former).await;
    assert_ne!(now, former);
    crowd.acks(200).await;
    let outcome = crowd.reckon(&cluster, Allowed { new_log: true, ..Allowed::default() }).await;
    assert_eq!(outcome.tally.lost, 0);
    eventually("every node is ready again", LEASE_TTL * 10, || async {
        futures_util::future::join_all(cluster.nodes.iter().map(|node| node.is_ready()))
            .await
            .iter()
            .all(|ready| *ready)
    })
    .await;
}

async fn log_of(cluster: &Cluster, crowd: &Crowd) -> String {
    let body = cluster.nodes[0].rest.get(&format!("/api/auctions/{}", crowd.auction)).await;
    body["log"].as_str().expect("a log").to_owned()
}
