//! The proxy breaks what it is told to break, and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::proxy::{Proxy, Way};

const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough to be sure that something held back does not come.
const WHILE: Duration = Duration::from_millis(150);

/// A server that says `name`, then sends back every byte.
async fn echo(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                to.write_all(name.as_bytes()).await?;
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

/// A connection through the proxy, greeted.
async fn connected(proxy: &Proxy, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    assert_eq!(heard(&mut stream, name.len()).await.unwrap(), name.as_bytes());
    stream
}

async fn heard(stream: &mut TcpStream, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut bytes)).await.expect("in time")?;
    Ok(bytes)
}

async fn asked(stream: &mut TcpStream, text: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(text.as_bytes()).await?;
    heard(stream, text.len()).await
}

async fn says_nothing(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(WHILE, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn bytes_go_through_and_a_cut_ends_only_what_is_there() {
    let proxy = Proxy::to(echo("a").await).await;
    let mut stream = connected(&proxy, "a").await;
    assert_eq!(asked(&mut stream, "ping").await.unwrap(), b"ping");
    proxy.cut();
    assert!(asked(&mut stream, "ping").await.is_err());
    let mut stream = connected(&proxy, "a").await;
    assert_eq!(asked(&mut stream, "ping").await.unwrap(), b"ping");
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn who_is_refused_gets_nothing_until_it_heals() {
    let proxy = Proxy::to(echo("a").await).await;
    let mut before = connected(&proxy, "a").await;
    proxy.refuse();
    assert!(asked(&mut before, "ping").await.is_err());
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    assert!(heard(&mut stream, 1).await.is_err());
    proxy.heal();
    connected(&proxy, "a").await;
}

#[tokio::test]
async fn what_is_held_back_comes_when_it_heals() {
    for way in [None, Some(Way::Up), Some(Way::Down)] {
        let proxy = Proxy::to(echo("a").await).await;
        let mut stream = connected(&proxy, "a").await;
        match way {
            None => proxy.freeze(),
            Some(way) => proxy.freeze_way(way),
        }
        stream.write_all(b"late").await.unwrap();
        assert!(says_nothing(&mut stream).await, "{way:?}");
        let mut other = TcpStream::connect(proxy.address).await.unwrap();
        // The greeting goes down, so it arrives where only the way up is held.
        assert_eq!(says_nothing(&mut other).await, way != Some(Way::Up), "{way:?}");
        proxy.heal();
        assert_eq!(heard(&mut stream, 4).await.unwrap(), b"late", "{way:?}");
    }
}

#[tokio::test]
async fn a_request_held_back_on_one_way_has_reached_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.freeze_way(Way::Down);
    client.write_all(b"up").await.unwrap();
    assert_eq!(heard(&mut server, 2).await.unwrap(), b"up");
    server.write_all(b"down").await.unwrap();
    assert!(says_nothing(&mut client).await);
    proxy.heal();
    assert_eq!(heard(&mut client, 4).await.unwrap(), b"down");
    proxy.freeze_way(Way::Up);
    client.write_all(b"up").await.unwrap();
    assert!(says_nothing(&mut server).await);
    server.write_all(b"down").await.unwrap();
    assert_eq!(heard(&mut client, 4).await.unwrap(), b"down");
}

#[tokio::test]
async fn the_reply_to_one_request_is_swallowed_though_the_request_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.swallow_reply_to(&["EVALSHA", ":log"]);
    for request in ["EVALSHA x :meta", "EVALSHA y :log ."] {
        client.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(heard(&mut server, request.len()).await.unwrap(), request.as_bytes());
        server.write_all(b"done").await.unwrap();
        let reply = heard(&mut client, 4).await;
        assert_eq!(reply.is_ok(), request.contains("meta"), "{request}: {reply:?}");
    }
    proxy.swallowed(1).await;
    // The trap is used up.
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"EVALSHA z :log").await.unwrap();
    server.write_all(b"done").await.unwrap();
    assert_eq!(heard(&mut client, 4).await.unwrap(), b"done");
}

#[tokio::test]
async fn a_delay_is_one_and_another_target_is_reached_by_new_connections() {
    let proxy = Proxy::to(echo("a").await).await;
    let mut stream = connected(&proxy, "a").await;
    proxy.delay(Duration::from_millis(60));
    let started = std::time::Instant::now();
    asked(&mut stream, "ping").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(120));
    proxy.heal();
    proxy.repoint(echo("another").await);
    assert!(asked(&mut stream, "ping").await.is_err());
    connected(&proxy, "another").await;
}
