//! Connections that do not read: they cost nobody else anything, and what they missed is never missing silently.

use std::time::{Duration, Instant};

use bidhub::domain::Span;
use serde_json::json;
use tokio::net::TcpSocket;

use super::{Codec, Market, Socket};
use crate::harness::Hub;

const QUEUE_BYTES: u32 = 4_096;

/// A connection with the smallest receive buffer that the system gives, so that it soon stands still.
pub async fn narrow(hub: &Hub, headers: &[(&str, &str)]) -> Socket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2_048).unwrap();
    let stream = socket.connect(hub.address).await.unwrap();
    Socket::over(stream, hub.address, Codec::Json, headers).await.unwrap()
}

/// Bids `count` times, sixteen at once; gives the longest time that one such round took.
async fn bid(market: &Market, bidder: &mut Socket, from: i64, count: i64) -> Duration {
    let mut longest = Duration::ZERO;
    for round in 0..count / 16 {
        let started = Instant::now();
        for number in 0..16 {
            let number = from + round * 16 + number;
            bidder.request(market.max(&format!("{number}"), 10_000 + number)).await;
        }
        for _ in 0..16 {
            let answer = bidder.any_answer().await.unwrap();
            assert_eq!(answer["type"], "bid_accepted", "{answer}");
        }
        longest = longest.max(started.elapsed());
        // Keys that are young are not forgotten, so time has to pass for so many of them.
        market.hub.clock.advance(Span::from_millis(40));
    }
    longest
}

async fn seq(market: &Market) -> u64 {
    crate::market::read(&market.hub, &market.auction).await["seq"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_stops_reading_costs_nobody_anything_and_misses_nothing_silently() {
    let market = Market::with(json!({}), |settings| settings.connections.outbound_queue_bytes = QUEUE_BYTES).await;
    let mut slow = narrow(&market.hub, &[]).await;
    let mut at = slow.ask(market.join()).await["seq"].as_u64().unwrap();
    let mut quick = market.watcher(Codec::MessagePack).await;
    let mut seen = quick.ask(market.join()).await["seq"].as_u64().unwrap();
    let mut bidder = market.bidder(Codec::Json, "ada").await;
    let reader = tokio::spawn(async move {
        // What is told to a watcher that reads has every event, by itself or by a state.
        while seen < 1 + 8_000 {
            let push = quick.push().await.expect("a watcher that reads stays connected");
            seen = follow(&push, seen).0;
        }
    });
    let longest = bid(&market, &mut bidder, 0, 8_000).await;
    assert!(longest < Duration::from_secs(5), "bidders wait for nobody: {longest:?}");
    tokio::time::timeout(Duration::from_secs(20), reader).await.expect("the other one has seen all").unwrap();
    let end = seq(&market).await;
    let mut states = 0;
    while at < end {
        let push = slow.push().await.expect("a watcher that reads again is served");
        let (next, state) = follow(&push, at);
        states += u32::from(state);
        if next == end && state {
            let price = crate::market::read(&market.hub, &market.auction).await["state"]["price"].clone();
            assert_eq!((&push["state"]["price"], &push["state"]["bid_count"]), (&price, &json!(8_000)));
        }
        at = next;
    }
    assert!(states >= 1, "it could not have taken all of it");
    bid(&market, &mut bidder, 8_000, 16).await;
    while at < end + 16 {
        at = follow(&slow.push().await.unwrap(), at).0;
    }
}

/// The position after a push, and whether it was a state. Panics at a gap.
fn follow(push: &serde_json::Value, mut at: u64) -> (u64, bool) {
    match push["type"].as_str() {
        Some("state") => {
            let seq = push["seq"].as_u64().unwrap();
            assert!(seq >= at, "a state never goes back");
            assert_eq!(push["state"]["status"], "open");
            (seq, true)
        }
        _ => {
            for event in push["events"].as_array().unwrap() {
                at += 1;
                assert_eq!(event["seq"], at, "no silent gap");
            }
            (at, false)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_never_reads_again_is_closed_and_leaves_no_trace() {
    let market = Market::with(json!({}), |settings| {
        settings.connections.outbound_queue_bytes = QUEUE_BYTES;
        settings.connections.write_timeout_ms = 500;
        settings.connections.max_connections = 2;
        // It answers no ping either; here the write that stands still shall be what ends it.
        settings.connections.ping_interval_s = 3_600;
    })
    .await;
    let mut stuck = narrow(&market.hub, &[]).await;
    stuck.ask(market.join()).await;
    let mut bidder = market.bidder(Codec::Json, "ada").await;
    // Its place is given back, so that somebody else can have it, though it never closed its side.
    let mut from = 0;
    let freed = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            bid(&market, &mut bidder, from, 1_600).await;
            from += 1_600;
            let mut next = market.watcher(Codec::Json).await;
            next.request(json!({"type": "ping"})).await;
            if next.next().await.is_ok() {
                return;
            }
        }
    });
    freed.await.expect("the connection is closed in bounded time");
    // Told or not, it ends.
    let end = tokio::time::timeout(Duration::from_secs(10), stuck.closed()).await.expect("the connection has ended");
    assert!(matches!(end, None | Some(4001)), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stops_waits_only_so_long_for_a_watcher_that_does_not_read() {
    let market = Market::with(json!({}), |settings| {
        settings.connections.outbound_queue_bytes = QUEUE_BYTES;
        settings.server.shutdown_timeout_ms = 4_000;
    })
    .await;
    let mut stuck = narrow(&market.hub, &[]).await;
    stuck.ask(market.join()).await;
    let mut bidder = market.bidder(Codec::Json, "ada").await;
    bidder.ask(market.join()).await;
    bid(&market, &mut bidder, 0, 12_000).await;
    let started = Instant::now();
    let stopped = tokio::spawn(market.hub.stop());
    assert_eq!(bidder.closed().await, Some(1001), "the others are told as ever");
    stopped.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}
