//! Redis goes away and comes back across the end of an auction: the lost time is given back, and everyone is told.

use std::time::Duration;

use bidhub::clock;
use bidhub::domain::Timestamp;
use serde_json::{Value, json};

use crate::checker::Allowed;
use crate::cluster::Plan;
use crate::history::Seen;
use crate::redis::{Server, Setup};
use crate::seed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_passes_while_redis_is_down_is_moved_and_everyone_sees_it() {
    let seed = seed();
    let lines = vec!["appendfsync always".to_owned()];
    let Some(mut redis) = Server::with(Setup { append_only: true, lines, ..Setup::default() }).await else { return };
    let Some(cluster) = Plan::new(3, redis.url()).start().await else { return };
    let auction = cluster.offer(0, Duration::from_secs(20), json!({})).await;
    let shown = cluster.nodes[0].rest.get(&format!("/api/auctions/{auction}")).await;
    let planned = moment(&shown["ends_at"]);
    let crowd = cluster.crowd_at(auction.clone(), 24, Duration::from_millis(200), seed).await;
    crowd.acks(100).await;
    sleep_until(shifted(planned, -2_500)).await;
    let down = clock::Clock::System.now();
    redis.kill();
    sleep_until(shifted(planned, 1_500)).await;
    redis.restart().await;
    let up = clock::Clock::System.now();
    let path = format!("/api/auctions/{auction}");
    for node in &cluster.nodes {
        node.rest.until(&path, |body| body["state"]["status"] == "ended").await;
    }
    let allowed = Allowed { end: true, new_log: true, ..Allowed::default() };
    let outcome = crowd.reckon(&cluster, allowed).await;
    let kinds = outcome.truth.kinds();
    let last: Vec<String> = outcome.truth.facts.iter().rev().take(4).map(|fact| fact.public.to_string()).collect();
    println!(
        "down at {}, up at {}, planned end {}, the last events: {last:#?}",
        clock::format(down),
        clock::format(up),
        clock::format(planned)
    );
    let suspended = kinds.iter().position(|kind| *kind == "suspended").expect("the outage is told");
    assert_eq!(kinds[suspended + 1], "extended");
    assert_eq!(kinds.last(), Some(&"ended"));
    let (said, extended) = (&outcome.truth.facts[suspended].public, &outcome.truth.facts[suspended + 1].public);
    let (since, until, ends_at) = (moment(&said["since"]), moment(&said["until"]), moment(&extended["ends_at"]));
    println!("down for {} ms, lost {} ms", up.since(down).millis(), until.since(since).millis());
    // What was lost is given back, and some time is left after the recovery to bid.
    assert!(since <= shifted(down, 1_500) && until >= up);
    assert!(ends_at >= planned.plus(until.since(since)) && ends_at.since(until).millis() >= 3_000);
    let ended = outcome.truth.facts.last().expect("events").event.at;
    assert!(ended >= ends_at, "it ends no sooner than the fair time");
    for watched in &outcome.history.watched {
        let saw =
            |kind: &str| watched.seen.iter().any(|seen| matches!(seen, Seen::Event(event) if event["kind"] == kind));
        let fresh = outcome.tally.fresh_states > 0;
        assert!(fresh || saw("suspended") && saw("extended"), "everyone at node {} sees it", watched.node);
        // Who fell behind is given the state that holds at the end in place of the events.
        let given = matches!(watched.seen.last(), Some(Seen::Fresh { seq, .. }) if *seq == outcome.truth.last());
        assert!(saw("ended") || given, "and the end, at node {}", watched.node);
    }
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().and_then(clock::parse).expect("a time")
}

fn shifted(at: Timestamp, by_ms: i64) -> Timestamp {
    Timestamp::from_millis(at.millis() + by_ms)
}

async fn sleep_until(at: Timestamp) {
    let left = at.since(clock::Clock::System.now()).millis();
    tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
}
