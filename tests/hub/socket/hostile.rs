//! Frames and requests that no client of good will sends: random, cut, mutated, too long, too deep, broken below the level of
//! messages. The hub answers or closes with a code, never panics, and a bidder beside all this notices nothing.
//!
//! `BIDHUB_SEED` repeats a run; `BIDHUB_FRAMES` says how many frames are thrown: 20,000 unless given, 100,000 with
//! `BIDHUB_LONG=1`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bidhub::chance::Chance;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Closed, Codec, Market, Socket};
use crate::harness::Hub;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics anywhere in this process from now on, on top of what else is done about them.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let here = panic.location().is_none_or(|at| !at.file().starts_with("tests/"));
        PANICS.fetch_add(usize::from(here), Ordering::SeqCst);
        before(panic);
    }));
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Draws what is thrown.
struct Thrower {
    chance: Chance,
    auction: String,
}

impl Thrower {
    fn below(&self, bound: usize) -> usize {
        self.chance.below(bound as u64) as usize
    }

    fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn bytes(&self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.chance.bytes::<1>()[0]).collect()
    }

    /// A request that is well formed, or nearly.
    fn request(&self) -> Value {
        let kind = *self.one_of(&["join", "leave", "bid", "buy_now", "ping", "authenticate", "dance", ""]);
        let mut request = json!({"type": kind, "id": self.below(1_000)});
        for _ in 0..self.below(5) {
            let field = *self
                .one_of(&["auction", "key", "amount", "max", "after", "log", "token", "sent_at", "id", "type", "x"]);
            request[field] = self.value(0);
        }
        request
    }

    fn value(&self, depth: usize) -> Value {
        match self.below(if depth > 3 { 9 } else { 11 }) {
            0 => Value::Null,
            1 => json!(self.chance.below(2) == 0),
            2 => json!(self.chance.below(u64::MAX)),
            3 => json!(i64::MIN + self.chance.below(1_000) as i64),
            4 => json!(f64::from_bits(self.chance.below(u64::MAX))),
            5 => json!(self.auction),
            6 => json!(String::from_utf8_lossy(&self.bytes(self.below(60)))),
            7 => json!("x".repeat(self.below(3_000))),
            8 => json!((1_u64 << 53) - 1 + self.chance.below(2)),
            9 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect(),
            _ => (0..self.below(4)).map(|number| (number.to_string(), self.value(depth + 1))).collect(),
        }
    }

    /// A message: mostly a request, with something done to its bytes.
    fn message(&self, codec: Codec) -> Message {
        let request = self.request();
        let mut bytes = match codec.encode(&request) {
            Message::Text(text) => text.as_bytes().to_vec(),
            other => other.into_data().to_vec(),
        };
        match self.below(10) {
            0 => bytes.truncate(self.below(bytes.len() + 1)),
            1 | 2 => {
                for _ in 0..=self.below(4) {
                    let at = self.below(bytes.len());
                    bytes[at] = self.bytes(1)[0];
                }
            }
            3 => {
                let at = self.below(bytes.len() + 1);
                bytes.splice(at..at, self.bytes(self.below(20)));
            }
            4 => bytes = self.bytes(self.below(200)),
            5 if self.below(20) == 0 => bytes = vec![*self.one_of(b"[{\"\x91\x81\xdf\xc1 "); self.below(20_000)],
            _ => {}
        }
        let mine = matches!(codec, Codec::Json) != (self.below(50) == 0);
        if mine { Message::text(String::from_utf8_lossy(&bytes).into_owned()) } else { Message::binary(bytes) }
    }

    /// Frames as they are on the wire: wrong opcodes, missing masks, reserved bits, lengths that lie, invalid UTF-8.
    fn raw(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.below(3) {
            let payload = self.bytes(self.below(80));
            let first = if self.below(3) == 0 {
                self.bytes(1)[0]
            } else {
                *self.one_of(&[0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8a])
            };
            let mask = if self.below(6) == 0 { 0 } else { 0x80 };
            bytes.push(first);
            match self.below(8) {
                0 => bytes.extend([mask | 126, 0xff, 0xff]),
                1 => bytes.extend([&[mask | 127][..], &self.bytes(8)].concat()),
                _ => bytes.push(mask | payload.len() as u8),
            }
            bytes.extend(payload);
        }
        bytes
    }

    /// Something that is not quite HTTP.
    fn http(&self) -> Vec<u8> {
        let path = *self.one_of(&[
            "/ws",
            "/api/auctions",
            "/api/auctions/x/bids",
            "/api/time",
            "*",
            "/%ff%00",
            "/api/auctions?limit=-1",
        ]);
        let method = *self.one_of(&["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW", "G\u{0}T"]);
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n").into_bytes();
        for _ in 0..self.below(6) {
            let header = *self.one_of(&[
                "Upgrade: websocket\r\nConnection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Version: 12",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Key: short",
                "Sec-WebSocket-Protocol: bidhub.v9.xml",
                "Authorization: Bearer \u{ff}",
                "Content-Length: 99999999999999999999",
                "Transfer-Encoding: chunked",
                "Content-Type: application/json",
                "Cookie: bidhub_session=;;;==",
                "Origin: null",
            ]);
            text.extend(header.as_bytes());
            text.extend(b"\r\n");
        }
        text.extend(b"\r\n");
        text.extend(self.bytes(self.below(100)));
        if self.below(3) == 0 {
            text.truncate(self.below(text.len()))
        }
        text
    }
}

/// Throws messages over WebSockets that are opened anew whenever the hub closes one: each message gets exactly one answer
/// or a close with a code. Gives how often it was a close.
async fn throw_messages(hub: (std::net::SocketAddr, String), thrower: Thrower, count: u64, codec: Codec) -> u64 {
    let (address, token) = hub;
    let (mut open, mut closed) = (None, 0);
    for _ in 0..count {
        let mut socket = match open.take() {
            Some(socket) => socket,
            None => Socket::of(address, codec, &token).await,
        };
        let message = thrower.message(codec);
        socket.send(message.clone()).await;
        match socket.any_answer().await {
            Ok(answer) => {
                assert_clear(&answer);
                open = Some(socket);
            }
            Err(Closed(Some(4000 | 1009))) => closed += 1,
            Err(other) => panic!("{other:?} after {message:?}"),
        }
    }
    closed
}

/// A refusal always says by a code and in words what is wrong.
fn assert_clear(answer: &Value) {
    let kind = answer["type"].as_str().expect("a type");
    if matches!(kind, "error" | "bid_rejected") {
        let clear = answer["code"].as_str().is_some_and(|code| !code.is_empty()) && answer["message"].is_string();
        assert!(clear, "{answer}");
        assert_ne!(answer["code"], "internal", "{answer}");
    }
}

/// Throws bytes at the TCP port, half of them after a proper upgrade.
async fn throw_bytes(address: std::net::SocketAddr, thrower: Thrower, count: u64) {
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let bytes = if thrower.below(2) == 0 {
            let upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            [upgrade.as_bytes(), &thrower.raw()].concat()
        } else {
            thrower.http()
        };
        // It may hang up in the middle, and so may we.
        let _ = stream.write_all(&bytes).await;
        if thrower.below(2) == 0 {
            let _ = stream.shutdown().await;
            let mut said = vec![0; 256];
            let _ = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut said)).await;
        }
    }
}

/// Sends bodies that do not fit to REST: refused, never an error of the hub's own.
async fn throw_bodies(hub: &Hub, token: &str, thrower: Thrower, count: u64) {
    let paths =
        ["/api/auctions".to_owned(), format!("/api/auctions/{}/bids", thrower.auction), "/api/auth/login".to_owned()];
    for _ in 0..count {
        let body = match thrower.below(3) {
            0 => thrower.bytes(thrower.below(100)),
            _ => thrower.value(0).to_string().into_bytes(),
        };
        let request = hub.request(reqwest::Method::POST, thrower.one_of(&paths).as_str()).bearer_auth(token).body(body);
        let request = request.header("content-type", "application/json").header("idempotency-key", "k");
        let answer = crate::harness::send(request).await;
        assert!((400..500).contains(&answer.status.as_u16()), "{answer:?}");
        assert!(answer.body["code"].is_string(), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_anyone_sends_harms_the_hub_or_a_room() {
    count_panics();
    let seed = number_from("BIDHUB_SEED").unwrap_or_else(|| Chance::System.below(1 << 32));
    let long = number_from("BIDHUB_LONG") == Some(1);
    let frames = number_from("BIDHUB_FRAMES").unwrap_or(if long { 100_000 } else { 20_000 });
    println!("BIDHUB_SEED={seed} BIDHUB_FRAMES={frames}");
    let market = Market::open().await;
    let address = market.hub.address;
    let (mut bidder, mallory) = (market.bidder(Codec::Json, "ada").await, market.hub.sign_up("mallory").await);
    let thrower = |number: u64| Thrower { chance: Chance::seeded(seed ^ number), auction: market.auction.clone() };
    let hub = || (address, mallory.token.clone());
    let attack = async {
        let (json, msgpack, (), ()) = tokio::join!(
            throw_messages(hub(), thrower(1), frames * 9 / 20, Codec::Json),
            throw_messages(hub(), thrower(2), frames * 9 / 20, Codec::MessagePack),
            throw_bytes(address, thrower(3), frames / 20),
            throw_bodies(&market.hub, &mallory.token, thrower(4), frames / 20),
        );
        assert!(json > 0 && msgpack > 0, "what cannot be read closes: {json} {msgpack}");
    };
    let bidding = async {
        let (mut number, mut slowest) = (0_i64, Duration::ZERO);
        loop {
            let started = std::time::Instant::now();
            let path = format!("/api/auctions/{}", market.auction);
            let minimum = market.hub.get(&path).await.body["state"]["minimum_bid"].as_i64().unwrap();
            let answer = bidder.ask(market.max(&format!("{number}"), minimum + number)).await;
            let told = answer["type"] == "bid_accepted"
                || matches!(answer["code"].as_str(), Some("bid_too_low" | "max_not_raised"));
            assert!(told, "{answer}");
            slowest = slowest.max(started.elapsed());
            assert!(slowest < Duration::from_secs(5), "a bidder beside it waits {slowest:?}");
            number += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let limit = Duration::from_secs(600);
    tokio::select! {
        () = bidding => {}
        ended = tokio::time::timeout(limit, attack) => ended.expect("in bounded time"),
    }
    let answer = market.hub.get(&format!("/api/auctions/{}", market.auction)).await;
    assert_eq!(answer.body["state"]["status"], "open");
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the hub never panics");
    assert_chain(&market).await;
    let hub = market.hub;
    hub.stop().await;
}

/// The log of the room follows its own chain.
async fn assert_chain(market: &Market) {
    let file = market.hub.settings.journal_file();
    let db = bidhub::persistence::Db::sqlite(&file, bidhub::persistence::Durability::Full).await.unwrap();
    let auction = market.auction.parse().unwrap();
    let open = bidhub::journal::sql::open(&db, auction).await.unwrap().unwrap();
    let mut chain = bidhub::journal::Chain::origin(&open.secret);
    for record in bidhub::journal::sql::read(&db, auction, None, 1_000_000).await.unwrap() {
        chain.follow(&record).unwrap();
    }
    assert_eq!(chain.head(), open.head);
    assert!(chain.head().seq.0 > 1);
    db.close().await;
}
