//! Connections that send or read as slowly as they can: they are let go, and cost nobody else anything.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::Hub;
use crate::market::{desk_with, offer};
use crate::socket_client::{Codec, Socket};

const HEADER_TIMEOUT_MS: u32 = 600;
const PATIENCE: Duration = Duration::from_secs(20);
const REQUEST: &[u8] = b"GET /api/time HTTP/1.1\r\nhost: hub\r\n\r\n";

async fn strict() -> Hub {
    Hub::with(|settings| settings.server.header_timeout_ms = HEADER_TIMEOUT_MS).await
}

async fn half_sent(hub: &Hub) -> TcpStream {
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    stream.write_all(b"GET /api/time HTTP/1.1\r\nhost: h").await.unwrap();
    stream
}

/// What comes until the hub ends the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset ends it as well.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the hub ends the connection");
    bytes
}

/// Asks on a connection of its own: one that is kept could be ended just as it is used again.
async fn asked_anew(hub: &Hub) {
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    answer(&mut stream).await;
}

/// Reads one answer that has the time in it.
async fn answer(stream: &mut TcpStream) {
    let mut bytes = vec![0; 4_096];
    let mut length = 0;
    while !bytes[..length].ends_with(b"\"}") {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes[length..])).await.unwrap().unwrap();
        assert_ne!(read, 0, "the answer is whole: {}", String::from_utf8_lossy(&bytes[..length]));
        length += read;
    }
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn half_sent_heads_are_cut_and_hold_nobody_up() {
    let hub = strict().await;
    let started = Instant::now();
    let mut half = Vec::new();
    for _ in 0..200 {
        half.push(half_sent(&hub).await);
    }
    asked_anew(&hub).await;
    for stream in &mut half {
        assert_eq!(rest(stream).await, b"", "there is nothing to answer");
    }
    assert!(started.elapsed() >= Duration::from_millis(HEADER_TIMEOUT_MS.into()), "not before the time");
    asked_anew(&hub).await;
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_until_others_end() {
    let hub = Hub::with(|settings| {
        settings.connections.max_connections = 1;
        settings.server.header_timeout_ms = 3_000;
    })
    .await;
    let mut first = half_sent(&hub).await;
    let mut others = Vec::new();
    // One socket, and the reserve of 1,024.
    for _ in 1..1_025 {
        others.push(half_sent(&hub).await);
    }
    let mut waits = TcpStream::connect(hub.address).await.unwrap();
    waits.write_all(REQUEST).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), waits.read(&mut byte)).await;
    assert!(early.is_err(), "there is no place yet: {early:?}");
    assert_eq!(rest(&mut first).await, b"");
    answer(&mut waits).await;
}

#[tokio::test]
async fn a_request_that_comes_slowly_but_in_time_is_answered() {
    let hub = Hub::start().await;
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    for piece in REQUEST.chunks(8) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    answer(&mut stream).await;
}

#[tokio::test]
async fn an_idle_connection_ends_and_a_busy_one_is_kept() {
    let hub = strict().await;
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    for _ in 0..4 {
        stream.write_all(REQUEST).await.unwrap();
        answer(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(u64::from(HEADER_TIMEOUT_MS) / 3)).await;
    }
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_socket_lives_on_in_silence() {
    let hub = strict().await;
    let mut socket = Socket::open(hub.address, Codec::Json).await;
    tokio::time::sleep(Duration::from_millis(u64::from(HEADER_TIMEOUT_MS) * 2)).await;
    assert_eq!(socket.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut() {
    let hub = Hub::with(|settings| settings.connections.write_timeout_ms = 100).await;
    let seller = hub.sign_up("seller").await;
    let auction = offer(&hub, &seller, desk_with(json!({}))).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2_048).unwrap();
    let mut stream = socket.connect(hub.address).await.unwrap();
    // Requests whose answers nobody reads, until the hub can write no more and so reads no more.
    let request = format!("GET /api/auctions/{auction}/log HTTP/1.1\r\nhost: hub\r\n\r\n").repeat(100);
    let cut = tokio::time::timeout(PATIENCE, async { while stream.write_all(request.as_bytes()).await.is_ok() {} });
    cut.await.expect("the hub ends a connection whose answers are not taken");
    hub.get("/api/time").await.is(200);
}

#[tokio::test]
async fn a_stop_ends_connections_that_are_kept_and_cuts_half_sent_heads() {
    let hub = Hub::with(|settings| {
        settings.server.header_timeout_ms = 60_000;
        settings.server.shutdown_timeout_ms = 2_000;
    })
    .await;
    let mut kept = TcpStream::connect(hub.address).await.unwrap();
    kept.write_all(REQUEST).await.unwrap();
    answer(&mut kept).await;
    let mut half = half_sent(&hub).await;
    let started = Instant::now();
    let stopped = tokio::spawn(hub.stop());
    assert_eq!(rest(&mut kept).await, b"");
    let kept_ended = started.elapsed();
    assert_eq!(rest(&mut half).await, b"");
    stopped.await.unwrap();
    assert!(kept_ended < Duration::from_millis(900), "before the cut: {kept_ended:?}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}
