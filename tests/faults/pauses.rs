//! No auction closes while bids could not be decided: an end that passed meanwhile is moved, and said so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::log::Log;
use crate::process::Hub;
use crate::socket_client::{Codec, Socket};

/// A hub that gives little grace, with an auction that ends in `lasts_ms` and a bid on it.
async fn closing_in(dir: &std::path::Path, lasts_ms: i64) -> (Hub, String, String) {
    std::fs::write(dir.join("bidhub.toml"), "outage_grace_s = 2\n").unwrap();
    let hub = Hub::start(dir).await;
    let seller = hub.sign_up("seller").await;
    let ada = hub.sign_up("ada").await;
    let auction = hub.offer(&seller, lasts_ms).await;
    let mut socket = Socket::of(hub.address, Codec::Json, &ada).await;
    let bid = json!({"type": "bid", "auction": auction, "key": "k", "amount": 1000});
    assert_eq!(socket.ask(bid).await["type"], "bid_accepted");
    (hub, auction, ada)
}

/// The kinds of the events that a watcher is told until the end, with the moments of the move and the end.
async fn told_until_the_end(socket: &mut Socket) -> Vec<Value> {
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Value| event["kind"] != "ended") {
        events.extend(socket.push_of("events").await["events"].as_array().unwrap().iter().cloned());
    }
    events
}

fn assert_extended_then_ended(events: &[Value], grace_ms: i64) {
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.ends_with(&["suspended", "extended", "ended"]), "{kinds:?}");
    let [suspended, extended, ended] = &events[events.len() - 3..] else { unreachable!() };
    assert_eq!(extended["cause"], "outage");
    let moment = |value: &Value| bidhub::clock::parse(value.as_str().unwrap()).unwrap();
    let (until, ends_at) = (moment(&suspended["until"]), moment(&extended["ends_at"]));
    assert!(ends_at.since(until).millis() >= grace_ms, "at least the grace is left");
    assert!(moment(&ended["at"]) >= ends_at, "and bidding ends no sooner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_passes_while_the_hub_is_down_is_moved() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, auction, _) = closing_in(dir.path(), 2_500).await;
    hub.kill();
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    let hub = Hub::start(dir.path()).await;
    let mut watcher = Socket::open(hub.address, Codec::MessagePack).await;
    let request = json!({"type": "join", "auction": auction, "after": 2});
    let joined = watcher.ask(request).await;
    assert_eq!(joined["resumed"], true);
    let mut events: Vec<Value> = joined["events"].as_array().unwrap().clone();
    events.extend(told_until_the_end(&mut watcher).await);
    assert_extended_then_ended(&events, 2_000);
    let log = Log::read(&hub, &auction).await;
    assert_eq!(log.kinds(), ["opened", "bid", "suspended", "extended", "ended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_passes_while_the_process_is_paused_is_moved() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, auction, ada) = closing_in(dir.path(), 2_500).await;
    let mut watcher = Socket::of(hub.address, Codec::Json, &ada).await;
    assert_eq!(watcher.ask(json!({"type": "join", "auction": auction})).await["type"], "joined");
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    hub.signal("STOP");
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    hub.signal("CONT");
    assert_extended_then_ended(&told_until_the_end(&mut watcher).await, 2_000);
    Log::read(&hub, &auction).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_moves_also_the_end_of_a_room_that_nobody_has_open() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bidhub.toml"), "outage_grace_s = 2\nidle_unload_s = 1\n").unwrap();
    let hub = Hub::start(dir.path()).await;
    let seller = hub.sign_up("seller").await;
    let auction = hub.offer(&seller, 8_000).await;
    // Long enough for the room to leave memory, and not yet so near to its end that it is opened again.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    hub.signal("STOP");
    tokio::time::sleep(Duration::from_millis(6_000)).await;
    hub.signal("CONT");
    let ended = hub.until(&format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "ended").await;
    assert_eq!(ended["state"]["outcome"], "unsold");
    let log = Log::read(&hub, &auction).await;
    assert_extended_then_ended(&log.events, 2_000);
}
