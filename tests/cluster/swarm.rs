//! All the faults in an order that a seed gives, for as long as one asks.

use std::time::{Duration, Instant};

use bidhub::chance::Chance;

use crate::checker::Allowed;
use crate::cluster::{Cluster, Plan};
use crate::proxy::Way;
use crate::redis::Server;
use crate::seed;

/// Something that breaks for a while.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    Pause,
    Deploy,
    Freeze(Option<Way>),
    Cut,
    Delay,
    LoseReply,
    CutNews,
    RedisDown,
    RedisSlow,
    ArchiveDown,
}

const FAULTS: [Fault; 13] = [
    Fault::Kill,
    Fault::Pause,
    Fault::Deploy,
    Fault::Freeze(None),
    Fault::Freeze(Some(Way::Up)),
    Fault::Freeze(Some(Way::Down)),
    Fault::Cut,
    Fault::Delay,
    Fault::LoseReply,
    Fault::CutNews,
    Fault::RedisDown,
    Fault::RedisSlow,
    Fault::ArchiveDown,
];

/// How long the swarm lasts, in seconds.
fn lasts() -> Duration {
    let asked = std::env::var("BIDHUB_SWARM_S").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(asked.unwrap_or(if crate::long() { 300 } else { 30 }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swarm_of_faults_leaves_one_history_and_loses_nothing() {
    let seed = seed();
    let chance = Chance::seeded(seed);
    let Some(mut redis) = Server::start().await else { return };
    let plan = Plan::new(3, redis.url()).through_proxies(redis.port());
    let Some(mut cluster) = plan.start().await else { return };
    let crowd = cluster.crowd(48, Duration::from_millis(200), seed).await;
    let until = Instant::now() + lasts();
    let mut faults = 0;
    while Instant::now() < until {
        crowd.acks(30).await;
        let fault = FAULTS[chance.below(FAULTS.len() as u64) as usize];
        let node = chance.below(3) as usize;
        let lasting = Duration::from_millis(200 + chance.below(5_000));
        println!("{:?}: {fault:?} at node {node} for {lasting:?}", crowd.now());
        strike(&mut cluster, &mut redis, fault, node, lasting).await;
        faults += 1;
    }
    crowd.acks(100).await;
    let outcome = crowd.reckon(&cluster, Allowed { new_log: true, ..Allowed::default() }).await;
    println!("{faults} faults, {:?}", outcome.tally);
}

/// Breaks something, waits, and mends it. Bidding need not have recovered when this returns.
async fn strike(cluster: &mut Cluster, redis: &mut Server, fault: Fault, node: usize, lasting: Duration) {
    let wait = tokio::time::sleep(lasting);
    let proxy = &cluster.proxies[node];
    match fault {
        Fault::Kill => {
            cluster.kill(node);
            wait.await;
            cluster.start_again(node).await;
        }
        Fault::Pause => {
            cluster.nodes[node].pause();
            wait.await;
            cluster.nodes[node].resume();
        }
        Fault::Deploy => {
            cluster.stop(node).await;
            wait.await;
            cluster.start_again(node).await;
        }
        Fault::Freeze(way) => {
            match way {
                None => proxy.freeze(),
                Some(way) => proxy.freeze_way(way),
            }
            wait.await;
            proxy.heal();
        }
        Fault::Cut => {
            proxy.refuse();
            wait.await;
            proxy.heal();
        }
        Fault::Delay => {
            proxy.delay(Duration::from_millis(25));
            wait.await;
            proxy.heal();
        }
        Fault::LoseReply => {
            proxy.swallow_reply_to(&["EVALSHA", ":log", ":news"]);
            wait.await;
        }
        Fault::CutNews => drop(redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"])),
        Fault::RedisDown => {
            redis.kill();
            wait.await;
            redis.restart().await;
        }
        Fault::RedisSlow => {
            redis.pause();
            wait.await;
            redis.resume();
        }
        Fault::ArchiveDown => {
            cluster.postgres.stop();
            wait.await;
            cluster.postgres.start_again().await;
        }
    }
}
