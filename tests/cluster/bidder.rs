//! A bidder that never gives up: it sends its bid until it has a verdict, always with the same key, to whichever node takes
//! it, and notes down all that it was told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bidhub::chance::Chance;
use bidhub::domain::AccountId;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::history::{Told, Tries};
use crate::socket_client::{Codec, Socket};

/// How long a bidder waits for an answer before it tries elsewhere.
const SILENCE: Duration = Duration::from_secs(3);
/// How long it waits for a connection.
const CONNECTING: Duration = Duration::from_secs(2);

/// Where the nodes listen; none for one that is known to be down.
pub type Board = watch::Receiver<Vec<Option<SocketAddr>>>;

/// A bidder with its connection.
pub struct Bidder {
    account: AccountId,
    token: String,
    auction: String,
    /// The node that it goes to first.
    home: usize,
    board: Board,
    chance: Chance,
    /// What all times count from.
    start: Instant,
    socket: Option<(usize, Socket)>,
    /// Which node to try next.
    next: usize,
    /// The least that the next bid must offer, as far as anyone in the crowd has heard.
    minimum: Arc<AtomicI64>,
    /// Counts acknowledged bids.
    acks: Option<Arc<watch::Sender<u64>>>,
    silence: Duration,
}

impl Bidder {
    /// A bidder that is connected to nothing yet.
    pub fn new(account: AccountId, token: String, auction: String, home: usize, board: Board, seed: u64) -> Self {
        let (chance, start, socket, next) = (Chance::seeded(seed), Instant::now(), None, home);
        let (minimum, acks, silence) = (Arc::new(AtomicI64::new(1_000)), None, SILENCE);
        Self { account, token, auction, home, board, chance, start, socket, next, minimum, acks, silence }
    }

    /// Times count from here.
    pub fn since(mut self, start: Instant) -> Self {
        self.start = start;
        self
    }

    /// Waits this long for an answer before it tries elsewhere.
    pub fn patient(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Makes its connection.
    pub async fn connect(&mut self) {
        self.connected().await;
    }

    /// Makes one straight bid.
    pub async fn ask(mut self, key: String, amount: i64) -> Told {
        let request = json!({"type": "bid", "auction": self.auction, "key": key, "amount": amount});
        self.insist(&key, request).await
    }

    /// One of a crowd, which counts acknowledged bids here, and shares what it has heard of the price.
    pub fn among(mut self, acks: Arc<watch::Sender<u64>>, minimum: Arc<AtomicI64>) -> Self {
        (self.acks, self.minimum) = (Some(acks), minimum);
        self
    }

    /// Bids until `until` says so, thinking for about `pace` between bids.
    pub async fn bid_on(mut self, pace: Duration, until: watch::Receiver<bool>) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        while !*until.borrow() {
            let key = format!("{}-{}", self.account.0.simple(), told.len());
            let amount = (self.minimum.load(Ordering::Relaxed) + self.chance.below(200) as i64 - 10).max(1);
            let offer = if self.chance.below(2) == 0 { "amount" } else { "max" };
            let mut request = json!({"type": "bid", "auction": self.auction, "key": key});
            request[offer] = amount.into();
            let answer = self.insist(&key, request).await;
            let over = answer.verdict["code"] == "auction_closed";
            told.push(answer);
            if over {
                break;
            }
            let thinking = pace.mul_f64(0.5 + self.chance.below(1_000) as f64 / 1_000.0);
            tokio::time::sleep(thinking).await;
        }
        told
    }

    /// Sends a bid until there is a verdict on it.
    pub async fn insist(&mut self, key: &str, request: Value) -> Told {
        let sent_at = self.start.elapsed();
        let (mut tries, silence) = (Tries::default(), self.silence);
        loop {
            let (node, socket) = self.connected().await;
            let id = socket.request(request.clone()).await;
            let answer = match tokio::time::timeout(silence, socket.answer(id)).await {
                Ok(Ok(answer)) => answer,
                ended => {
                    if ended.is_ok() {
                        tries.cut += 1;
                    } else {
                        tries.silent += 1;
                    }
                    self.leave();
                    continue;
                }
            };
            let code = answer["code"].as_str();
            if answer["retry"] == true || matches!(code, Some("busy" | "rate_limited" | "bid_in_flight")) {
                tries.unavailable += 1;
                tokio::time::sleep(Duration::from_millis(20 + self.chance.below(60))).await;
                continue;
            }
            assert!(answer["type"] != "error", "{request} was answered by {answer}");
            self.minimum.fetch_max(answer["minimum_bid"].as_i64().unwrap_or_default(), Ordering::Relaxed);
            if let Some(acks) = self.acks.as_ref().filter(|_| answer["type"] == "bid_accepted") {
                acks.send_modify(|acks| *acks += 1);
            }
            let (account, key, told_at) = (self.account, key.to_owned(), self.start.elapsed());
            return Told { account, key, request, verdict: answer, sent_at, told_at, node, tries };
        }
    }

    /// Gives the connection up, and tries another node next.
    fn leave(&mut self) {
        if let Some((node, _)) = self.socket.take() {
            self.next = node + 1;
        }
    }

    async fn connected(&mut self) -> (usize, &mut Socket) {
        while self.socket.is_none() {
            let nodes = self.board.borrow().clone();
            let node = self.next % nodes.len();
            if let Some(address) = nodes[node] {
                let bearer = format!("Bearer {}", self.token);
                let codec = if self.home.is_multiple_of(2) { Codec::Json } else { Codec::MessagePack };
                let headers = [("authorization", bearer.as_str())];
                let dialled = tokio::time::timeout(CONNECTING, Socket::dial(address, codec, &headers)).await;
                self.socket = dialled.ok().and_then(Result::ok).map(|socket| (node, socket));
            }
            if self.socket.is_none() {
                self.next += 1;
                tokio::time::sleep(Duration::from_millis(10 + self.chance.below(40))).await;
            }
        }
        let (node, socket) = self.socket.as_mut().expect("just made");
        (*node, socket)
    }
}
