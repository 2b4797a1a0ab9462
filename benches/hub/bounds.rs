//! What no hub can pass on this machine: bare servers that do nothing but move bytes, and a bare durable append.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::any;
use futures_util::SinkExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

pub const ROLE: &str = "BIDHUB_BENCH_ROLE";

/// Runs a bare server until it is killed.
pub fn serve(role: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match role {
        "echo" => runtime.block_on(echo()),
        "broadcast" => runtime.block_on(broadcast()),
        other => panic!("no such role: {other}"),
    }
}

async fn listen() -> tokio::net::TcpListener {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    listener
}

/// Sends every message back.
async fn echo() {
    let answer = async |upgrade: WebSocketUpgrade| {
        upgrade.read_buffer_size(1_024).write_buffer_size(4_096).on_upgrade(async |mut socket| {
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, Message::Close(_)) || socket.feed(message).await.is_err() {
                    return;
                }
                if socket.flush().await.is_err() {
                    return;
                }
            }
        })
    };
    axum::serve(listen().await, Router::new().route("/ws", any(answer))).await.unwrap();
}

/// A line from the first connection goes to all others, as it is, in one write each.
async fn broadcast() {
    let listener = listen().await;
    let (sender, receiver) = watch::channel::<Arc<[u8]>>(Arc::from([]));
    let (mut first, _) = listener.accept().await.unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncReadExt as _;
        let mut line = vec![0; 4_096];
        while let Ok(length @ 1..) = first.read(&mut line).await {
            sender.send_replace(line[..length].into());
        }
    });
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let mut lines = receiver.clone();
        tokio::spawn(async move {
            while lines.changed().await.is_ok() {
                let line = lines.borrow_and_update().clone();
                if socket.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Appends of `bytes`, each on the disk before the next, a second.
pub fn durable_appends(bytes: usize, time: Duration) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(dir.path().join("log")).unwrap();
    let record = vec![b'x'; bytes];
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < time {
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        count += 1.0;
    }
    count / started.elapsed().as_secs_f64()
}
