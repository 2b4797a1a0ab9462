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
