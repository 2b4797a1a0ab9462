//! The load on one hot auction: many bidders on the sockets of both nodes, amounts from one shared counter. It is the same
//! for every server that is measured, and asks no more of it than the contract.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::clients::{self, Socket};

pub const BIDDERS: usize = 256;
/// Sockets that watch the auction and do not bid.
pub const WATCHERS: usize = 16;
/// Answers within this time from the start do not count.
const WARM_UP: Duration = Duration::from_millis(500);
/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Makes the bare echo's messages as long as the hub's verdicts.
const PADDING: &str = "------------------------------------------------------------------------------------------\
    --------------------------------------";

/// What the bidders send.
#[derive(Clone)]
pub enum Target {
    /// Bids on this auction.
    Auction(String),
    /// Texts that come back.
    Echo,
}

/// What came back while it was measured.
pub struct Tally {
    pub accepted: u64,
    pub refused: u64,
    /// Answers that decide nothing, such as `busy`, and the first of them.
    pub undecided: u64,
    pub first_undecided: Option<String>,
    /// From bid to verdict, in microseconds.
    pub times: Histogram<u64>,
    time: Duration,
}

impl Tally {
    fn new(time: Duration) -> Self {
        let times = Histogram::new(3).unwrap();
        Self { accepted: 0, refused: 0, undecided: 0, first_undecided: None, times, time }
    }

    /// Verdicts a second.
    pub fn verdicts(&self) -> f64 {
        (self.accepted + self.refused) as f64 / self.time.as_secs_f64()
    }

    /// Accepted bids a second.
    pub fn acceptances(&self) -> f64 {
        self.accepted as f64 / self.time.as_secs_f64()
    }

    /// The time in milliseconds within which this share of the verdicts came.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.times.value_at_quantile(share) as f64 / 1_000.0
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.undecided += other.undecided;
        self.first_undecided = self.first_undecided.take().or(other.first_undecided);
        self.times.add(other.times).unwrap();
    }

    fn count(&mut self, text: &str, sent: Instant) {
        if text.contains(r#""bid_accepted""#) || text.contains(r#""echo""#) {
            self.accepted += 1;
        } else if text.contains(r#""bid_too_low""#) {
            self.refused += 1;
        } else {
            self.undecided += 1;
            self.first_undecided.get_or_insert_with(|| text.to_owned());
            return;
        }
        self.times.record(sent.elapsed().as_micros() as u64).unwrap();
    }
}

/// The bidders of one target, connected, and its watchers.
pub struct Crowd {
    sockets: Vec<Socket>,
    target: Target,
    counter: Arc<AtomicU64>,
    deliveries: Arc<AtomicU64>,
    _watchers: JoinSet<()>,
}

/// How the bidders send.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Each bidder has so many bids under way at any time.
    UnderWay(usize),
    /// All together send so many a second, whatever comes back; a bid's time counts from when it was due.
    PerSecond(f64),
}

impl Crowd {
    /// Connects everyone, in turn to each of the `addresses`.
    pub async fn gather(addresses: &[&str], target: Target) -> Self {
        let address = |number: usize| addresses[number % addresses.len()];
        let mut sockets = Vec::with_capacity(BIDDERS);
        for bidder in 0..BIDDERS {
            let token = matches!(target, Target::Auction(_)).then(|| clients::token(&format!("bidder {bidder}")));
            sockets.push(clients::connect(address(bidder), token.as_deref()).await);
        }
        let deliveries = Arc::new(AtomicU64::new(0));
        let mut watchers = JoinSet::new();
        if let Target::Auction(auction) = &target {
            for watcher in 0..WATCHERS {
                let mut socket = clients::connect(address(watcher), None).await;
                clients::join(&mut socket, auction).await;
                watchers.spawn(watch(socket, deliveries.clone()));
            }
        }
        let counter = Arc::new(AtomicU64::new(1));
        Self { sockets, target, counter, deliveries, _watchers: watchers }
    }

    /// Events that the watchers have got so far.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Everyone bids, after a warm-up, for `time`.
    pub async fn bid(&mut self, pace: Pace, time: Duration) -> Tally {
        let from = Instant::now() + WARM_UP;
        let until = from + time;
        let bidders = std::mem::take(&mut self.sockets).into_iter().enumerate().map(|(number, socket)| {
            let mut bidder = Bidder {
                socket,
                target: self.target.clone(),
                counter: self.counter.clone(),
                waiting: HashMap::new(),
                tally: Tally::new(time),
                from,
                until,
            };
            let every = match pace {
                Pace::PerSecond(rate) => Duration::from_secs_f64(BIDDERS as f64 / rate),
                Pace::UnderWay(_) => Duration::MAX,
            };
            tokio::spawn(async move {
                match pace {
                    Pace::UnderWay(count) => bidder.keep_under_way(count).await,
                    Pace::PerSecond(_) => {
                        let first = every.mul_f64(number as f64 / BIDDERS as f64);
                        bidder.send_every(every, first).await;
                    }
                }
                (bidder.socket, bidder.tally)
            })
        });
        let mut all = Tally::new(time);
        for bidder in join_all(bidders).await {
            let (socket, tally) = bidder.unwrap();
            self.sockets.push(socket);
            all.add(tally);
        }
        all
    }
}

async fn watch(mut socket: Socket, deliveries: Arc<AtomicU64>) {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            deliveries.fetch_add(text.matches("\"kind\":").count() as u64, Ordering::Relaxed);
        }
    }
}

struct Bidder {
    socket: Socket,
    target: Target,
    counter: Arc<AtomicU64>,
    /// When each bid that has no answer was sent, or was due.
    waiting: HashMap<u64, Instant>,
    tally: Tally,
    from: Instant,
    until: Instant,
}

impl Bidder {
    async fn keep_under_way(&mut self, count: usize) {
        loop {
            while self.waiting.len() < count && Instant::now() < self.until {
                self.send(Instant::now()).await;
            }
            if self.waiting.is_empty() {
                return;
            }
            self.receive().await;
        }
    }

    async fn send_every(&mut self, every: Duration, first: Duration) {
        let mut due = Instant::now() + first;
        while due < self.until {
            tokio::select! {
                biased;
                () = sleep_until(due) => {
                    self.send(due).await;
                    due += every;
                }
                message = self.socket.next() => self.take(message.unwrap().unwrap()),
            }
        }
        while !self.waiting.is_empty() {
            self.receive().await;
        }
    }

    /// One bid; its amount, never drawn twice, is its number and its key too.
    async fn send(&mut self, due: Instant) {
        let amount = self.counter.fetch_add(1, Ordering::Relaxed);
        // The echo gives back what it was sent; the hub takes no foreign fields.
        let text = match &self.target {
            Target::Auction(auction) => {
                format!(r#"{{"type":"bid","id":{amount},"auction":"{auction}","key":"{amount}","amount":{amount}}}"#)
            }
            Target::Echo => format!(r#"{{"type":"echo","reply_to":{amount},"padding":"{PADDING}"}}"#),
        };
        self.waiting.insert(amount, due);
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    async fn receive(&mut self) {
        let message = timeout(PATIENCE, self.socket.next()).await.expect("every bid is answered");
        self.take(message.unwrap().unwrap());
    }

    fn take(&mut self, message: Message) {
        let Message::Text(text) = message else { return };
        let Some(sent) = number_after(&text, "\"reply_to\":").and_then(|number| self.waiting.remove(&number)) else {
            return;
        };
        if (self.from..self.until).contains(&Instant::now()) {
            self.tally.count(&text, sent);
        }
    }
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.split(name).nth(1)?;
    rest.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
}
