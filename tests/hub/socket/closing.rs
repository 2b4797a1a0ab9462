//! How connections end: with a code that tells the client what to do next.

use std::time::Duration;

use bidhub::domain::Span;
use serde_json::json;

use super::{CODECS, Closed, Codec, Market, Socket};
use crate::harness::PASSWORD;

#[tokio::test]
async fn a_hub_that_stops_says_when_to_come_again() {
    let market = Market::open().await;
    let mut sockets = Vec::new();
    for codec in CODECS {
        sockets.push(market.bidder(codec, codec.name()).await);
    }
    for socket in &mut sockets {
        socket.ask(market.join()).await;
    }
    let hub = market.hub;
    let stopped = tokio::spawn(hub.stop());
    for socket in &mut sockets {
        let push = socket.push().await.unwrap();
        assert_eq!(push["type"], "draining");
        let after = push["reconnect_after_ms"].as_u64().unwrap();
        assert!((100..=2_000).contains(&after), "{after}");
        assert_eq!(socket.push().await, Err(Closed(Some(1001))));
    }
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_hub_that_drains_serves_each_connection_until_its_own_moment_and_takes_no_new_one() {
    let market = Market::with(json!({}), |settings| settings.server.drain_ms = Some(3_000)).await;
    let mut sockets = Vec::new();
    for number in 0..8 {
        let mut socket = market.bidder(Codec::Json, &format!("bidder{number}")).await;
        socket.ask(market.join()).await;
        sockets.push(socket);
    }
    let (address, bid, next) = (market.hub.address, market.straight("k", 1_000), market.straight("l", 1_100));
    let (ready, client) = (market.hub.url("/readyz"), market.hub.client.clone());
    let stopped = tokio::spawn(market.hub.stop());
    let mut moments = Vec::new();
    for (number, socket) in sockets.iter_mut().enumerate() {
        let push = socket.push().await.unwrap();
        assert_eq!(push["type"], "draining");
        let after = push["reconnect_after_ms"].as_u64().unwrap();
        assert!(after < 3_000, "{after}");
        moments.push((after, number));
    }
    assert!(moments.iter().any(|(after, _)| *after != moments[0].0), "spread: {moments:?}");
    moments.sort_unstable();
    // The two that stay longest are served as ever.
    let (last, second) = (moments[7].1, moments[6].1);
    assert_eq!(sockets[last].ask(bid).await["type"], "bid_accepted");
    let pushed = sockets[second].push().await.unwrap();
    assert_eq!((&pushed["type"], &pushed["events"][0]["kind"]), (&json!("events"), &json!("bid")));
    let answer = client.get(&ready).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["status"], "draining");
    assert_eq!(Socket::with(address, Codec::Json, &[]).await.err(), Some(503));
    assert_eq!(sockets[second].ask(next).await["type"], "bid_accepted");
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, Some(1001));
    }
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_hub_that_drains_ends_as_soon_as_all_have_left() {
    let market = Market::with(json!({}), |settings| {
        settings.server.drain_ms = Some(600_000);
        settings.server.shutdown_timeout_ms = 600_000;
    })
    .await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    socket.ask(market.join()).await;
    let stopped = tokio::spawn(market.hub.stop());
    assert_eq!(socket.push().await.unwrap()["type"], "draining");
    drop(socket);
    tokio::time::timeout(Duration::from_secs(60), stopped).await.expect("nobody is waited for").unwrap();
}

#[tokio::test]
async fn a_session_that_ends_by_itself_ends_its_connections() {
    let market = Market::with(json!({}), |settings| settings.connections.ping_interval_s = 1).await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    let mut watcher = market.watcher(Codec::Json).await;
    socket.ask(market.join()).await;
    watcher.ask(json!({"type": "ping"})).await;
    market.hub.clock.advance(Span::from_secs(market.hub.settings.auth.session_ttl_s));
    assert_eq!(socket.closed().await, Some(4002));
    assert_eq!(watcher.ask(json!({"type": "ping"})).await["type"], "pong", "who has no session goes on");
}

#[tokio::test]
async fn signing_out_closes_the_connections_of_that_session_at_once() {
    let market = Market::open().await;
    let user = market.hub.sign_up("ada").await;
    let other = market.hub.login(&user.email, PASSWORD).await.body["token"].as_str().unwrap().to_owned();
    let mut first = Socket::of(market.hub.address, Codec::Json, &user.token).await;
    let mut second = market.watcher(Codec::MessagePack).await;
    second.ask(json!({"type": "authenticate", "token": user.token})).await;
    let mut stays = Socket::of(market.hub.address, Codec::Json, &other).await;
    for socket in [&mut first, &mut stays] {
        socket.ask(market.join()).await;
    }
    market.hub.post_as(&user.token, "/api/auth/logout", json!({})).await.is(204);
    assert_eq!(first.closed().await, Some(4002));
    assert_eq!(second.closed().await, Some(4002));
    assert_eq!(stays.ask(market.straight("k", 1_000)).await["type"], "bid_accepted");
}

#[tokio::test]
async fn a_connection_without_a_sign_of_life_is_closed_and_one_that_answers_pings_is_not() {
    let market = Market::with(json!({}), |settings| {
        settings.connections.ping_interval_s = 1;
        settings.connections.pong_timeout_s = 1;
    })
    .await;
    let (mut silent, mut alive) = (market.watcher(Codec::Json).await, market.watcher(Codec::Json).await);
    silent.ask(market.join()).await;
    alive.ask(market.join()).await;
    // Whoever reads answers pings by itself.
    let reading = tokio::time::timeout(Duration::from_millis(3_500), alive.next());
    assert!(reading.await.is_err(), "nothing is said, and nothing closed");
    assert_eq!(silent.closed().await, Some(4004));
    assert_eq!(alive.ask(json!({"type": "ping"})).await["type"], "pong");
}
