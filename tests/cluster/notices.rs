//! What happens at one node is told and shown at the other, and who watches is counted from all: also after one has died.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Plan, eventually};
use crate::redis::Server;
use crate::socket_client::{Codec, Socket};

const LIMIT: Duration = Duration::from_secs(30);

async fn bid(socket: &mut Socket, auction: &str, key: &str, amount: i64) {
    let request = json!({"type": "bid", "auction": auction, "key": key, "amount": amount});
    let answer = socket.ask(request).await;
    assert_eq!(answer["type"], "bid_accepted", "{answer}");
}

/// The kinds of what somebody was told, the oldest first, as this node says.
async fn kinds(cluster: &Cluster, node: usize, token: &str) -> Vec<String> {
    let (status, body) = cluster.nodes[node].rest.try_get(Some(token), "/api/notifications").await.unwrap();
    assert_eq!(status, 200, "{body}");
    body["items"].as_array().unwrap().iter().rev().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

/// The next notification of this kind.
async fn pushed(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let push = socket.push_of("notification").await;
        if push["kind"] == kind {
            return push;
        }
    }
}

/// The next bid of `bidder` that a follower of the activity is shown.
async fn shown(socket: &mut Socket, bidder: &str) -> Value {
    loop {
        let push = socket.push_of("activity").await;
        let found = push["items"].as_array().unwrap().iter().rfind(|item| item["bidder"] == bidder);
        if let Some(item) = found {
            return item.clone();
        }
    }
}

async fn until_counted(cluster: &Cluster, node: usize, auction: &str, count: u64) {
    let path = format!("/api/auctions/{auction}/viewers");
    let what = format!("{count} viewers are counted at node {node}");
    eventually(&what, LIMIT, || async { cluster.nodes[node].rest.get(&path).await["count"] == count }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_at_one_node_is_told_and_shown_at_the_other_also_when_one_has_died() {
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(2, redis.url()).start().await else { return };
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    let (ada, ben) = (cluster.token("ada"), cluster.token("ben"));
    let mut of_ada = Socket::of(cluster.nodes[1].address(), Codec::Json, &ada).await;
    let mut of_ben = Socket::of(cluster.nodes[0].address(), Codec::MessagePack, &ben).await;
    let mut follower = Socket::open(cluster.nodes[1].address(), Codec::MessagePack).await;
    follower.ask(json!({"type": "follow", "topic": "activity"})).await;
    let mut watchers = Vec::new();
    for node in [0, 0, 1] {
        let mut watcher = Socket::open(cluster.nodes[node].address(), Codec::Json).await;
        watcher.ask(json!({"type": "join", "auction": auction})).await;
        watchers.push(watcher);
    }
    // From node to node.
    bid(&mut of_ada, &auction, "a", 1_000).await;
    bid(&mut of_ben, &auction, "b", 2_000).await;
    assert_eq!(pushed(&mut of_ada, "outbid").await["data"]["price"], 2_000);
    assert_eq!(shown(&mut follower, "Bidder 2").await["price"], 2_000);
    for node in [0, 1] {
        until_counted(&cluster, node, &auction, 3).await;
        let feed = cluster.nodes[node].rest.get("/api/activity").await;
        assert_eq!(feed["items"][0]["amount"], 2_000, "{feed}");
    }
    let mut last = watchers.remove(2);
    while last.viewers().await["count"] != 3 {}
    // Whichever node projected and pushed: with one gone, the other does.
    cluster.kill(0);
    until_counted(&cluster, 1, &auction, 1).await;
    while last.viewers().await["count"] != 1 {}
    let mut of_ben = Socket::of(cluster.nodes[1].address(), Codec::Json, &ben).await;
    let request = json!({"type": "bid", "auction": auction, "key": "c", "amount": 3_000});
    while of_ada.ask(request.clone()).await["type"] != "bid_accepted" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(pushed(&mut of_ben, "outbid").await["data"]["price"], 3_000);
    while pushed(&mut of_ada, "winning").await["data"]["price"] != 3_000 {}
    assert_eq!(shown(&mut follower, "Bidder 1").await["price"], 3_000);
    // Nothing is lost or doubled: one of the race waits for each.
    assert_eq!(kinds(&cluster, 1, &ada).await, ["winning"]);
    assert_eq!(kinds(&cluster, 1, &ben).await, ["outbid"]);
    cluster.start_again(0).await;
    assert_eq!(kinds(&cluster, 0, &ada).await, ["winning"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staff_does_at_one_node_is_seen_and_told_at_the_other() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let sam = cluster.with_role("sam", "staff").await;
    // Whichever node runs the rooms: it is asked by both, and followed by both.
    for round in 0..2 {
        let auction = cluster.offer(round, Duration::from_secs(3_600), json!({})).await;
        let (here, there) = (round, 1 - round);
        let bidder = cluster.token(&format!("bidder-{round}"));
        let mut bidder = Socket::of(cluster.nodes[there].address(), Codec::MessagePack, &bidder).await;
        bid(&mut bidder, &auction, "a", 1_000).await;
        let mut watcher = Socket::open(cluster.nodes[there].address(), Codec::Json).await;
        watcher.ask(json!({"type": "join", "auction": auction})).await;
        for (what, kind) in [("pause", "paused"), ("resume", "resumed"), ("stop", "stopped")] {
            let path = format!("/api/staff/auctions/{auction}/{what}");
            let reason = format!("why to {what}");
            cluster.nodes[here].rest.post(Some(&sam), &path, json!({"reason": reason})).await;
            let event = watcher.events(1).await.remove(0);
            assert_eq!((&event["kind"], &event["reason"]), (&json!(kind), &json!(reason)));
        }
        assert_eq!(pushed(&mut bidder, "winning").await["auction"], json!(auction));
        let told = pushed(&mut bidder, "auction_stopped").await;
        assert_eq!(told["auction"], json!(auction), "{told}");
        assert_eq!(told["data"]["reason"], "why to stop", "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_made_at_once_through_both_nodes_all_survive() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let seller = cluster.token("seller");
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    let path = format!("/api/auctions/{auction}");
    for round in 0..5 {
        let title = json!({"title": format!("Desk {round}")});
        let text = json!({"description": format!("It is of {round}.")});
        let price = json!({"opening_price": 2_000 + round});
        let patch = async |node: usize, body: &Value| {
            // The lists of a busy machine may be too far behind to build on: then it says so, and is asked again.
            let what = format!("{body} is written");
            eventually(&what, LIMIT, || async {
                let answer = cluster.nodes[node].rest.try_keyed("PATCH", &seller, &path, "", body).await;
                let (status, answer) = answer.expect("an answer");
                assert!(status == 200 || status == 503, "round {round}: {status} {answer}");
                status == 200
            })
            .await;
        };
        tokio::join!(patch(0, &title), patch(1, &text), patch(round % 2, &price));
        for node in &cluster.nodes {
            let wanted = |body: &Value| {
                let has = |part: &Value| part.as_object().unwrap().iter().all(|(name, value)| body[name] == *value);
                has(&title) && has(&text) && has(&price)
            };
            node.rest.until(&path, wanted).await;
        }
    }
}
