//! Many bidders on one auction, spread over all nodes, and a watcher at each; and the reckoning in the end.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bidder::Bidder;
use crate::checker::{Allowed, History, Tally, check};
use crate::cluster::{Cluster, PATIENCE};
use crate::history::Told;
use crate::truth::Truth;
use crate::watcher::Watcher;

/// How many bids of each bidder are asked about again in the end.
const ASKED_AGAIN: usize = 3;

/// Bidders at work.
pub struct Crowd {
    pub auction: String,
    tokens: Vec<String>,
    bidding: Vec<JoinHandle<Vec<Told>>>,
    watchers: Vec<Watcher>,
    until: watch::Sender<bool>,
    /// How many bids were acknowledged so far.
    acks: Arc<watch::Sender<u64>>,
    /// What was told to bidders beside the crowd.
    others: Vec<Told>,
    start: Instant,
}

/// How a scenario came out.
pub struct Outcome {
    pub truth: Truth,
    pub history: History,
    pub tally: Tally,
}

impl Crowd {
    pub async fn gather(cluster: &Cluster, auction: String, bidders: usize, pace: Duration, seed: u64) -> Self {
        let mut watchers: Vec<Watcher> = cluster
            .nodes
            .iter()
            .enumerate()
            .map(|(number, node)| Watcher::at(number, node.address(), &auction))
            .collect();
        for watcher in &mut watchers {
            watcher.joined().await;
        }
        let (until, acks) = (watch::Sender::new(false), Arc::new(watch::Sender::new(0)));
        let minimum = Arc::new(AtomicI64::new(1_000));
        let tokens: Vec<String> = (0..bidders).map(|number| cluster.token(&format!("bidder-{number}"))).collect();
        let mut bidding = Vec::new();
        for (number, token) in tokens.iter().enumerate() {
            let home = number % cluster.nodes.len();
            let account = cluster.account(home, token).await;
            let seed = seed.wrapping_add(number as u64);
            let bidder = Bidder::new(account, token.clone(), auction.clone(), home, cluster.board(), seed)
                .since(cluster.start)
                .among(Arc::clone(&acks), Arc::clone(&minimum));
            bidding.push(tokio::spawn(bidder.bid_on(pace, until.subscribe())));
        }
        Self { auction, tokens, bidding, watchers, until, acks, others: Vec::new(), start: cluster.start }
    }

    /// Waits until so many more bids are acknowledged.
    pub async fn acks(&self, more: u64) {
        self.acks_within(more, PATIENCE).await;
    }

    /// The same with another patience.
    pub async fn acks_within(&self, more: u64, limit: Duration) {
        let mut acks = self.acks.subscribe();
        let wanted = *acks.borrow() + more;
        let reached = tokio::time::timeout(limit, acks.wait_for(|&acks| acks >= wanted)).await.is_ok();
        assert!(reached, "{} of {wanted} bids are acknowledged after {limit:?}", *self.acks.borrow());
    }

    /// What somebody else was told belongs to the history too.
    pub fn add(&mut self, told: Told) {
        self.others.push(told);
    }

    /// The time since the start of the scenario, by which its history is dated.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ends the bidding, waits until everything has arrived everywhere, and judges it.
    pub async fn reckon(self, cluster: &Cluster, allowed: Allowed) -> Outcome {
        let auction = self.auction.clone();
        let (told, watchers, tokens) = self.disperse().await;
        let truth = cluster.truth(&auction).await;
        let mut history = History { told, ..History::default() };
        for (mut watcher, node) in watchers.into_iter().zip(&cluster.nodes) {
            if node.runs() {
                watcher.reaches(&truth.log.0.to_string(), truth.last(), PATIENCE).await;
                history.watched.push(watcher.stop().await);
            }
        }
        let path = format!("/api/auctions/{auction}/events");
        for node in cluster.nodes.iter().filter(|node| node.runs()) {
            history.rest.push(node.rest.all(&path).await);
        }
        let tally = check(&truth, &history, allowed).unwrap_or_else(|breach| {
            panic!("{breach:?}\n{}", explain(&history, &truth));
        });
        if !allowed.loss {
            ask_again(cluster, &history.told, &tokens).await;
        }
        cluster.verify();
        println!("{tally:?}, {} events, {} bids", truth.last(), truth.bids());
        Outcome { truth, history, tally }
    }

    async fn disperse(self) -> (Vec<Told>, Vec<Watcher>, Vec<String>) {
        self.until.send_replace(true);
        let mut told = self.others;
        for bidding in self.bidding {
            let verdicts = tokio::time::timeout(PATIENCE, bidding).await.expect("every bid gets a verdict in time");
            told.extend(verdicts.expect("a bidder lived"));
        }
        (told, self.watchers, self.tokens)
    }
}

/// The last accepted bids of each bidder get the same verdict once more, from whichever node is asked, and change nothing.
async fn ask_again(cluster: &Cluster, told: &[Told], tokens: &[String]) {
    let board = cluster.board();
    let mut by_account: std::collections::HashMap<_, Vec<&Told>> = std::collections::HashMap::new();
    for told in told.iter().filter(|told| told.accepted()) {
        by_account.entry(told.account).or_default().push(told);
    }
    for (number, token) in tokens.iter().enumerate() {
        let home = number + 1;
        let up = cluster.nodes.iter().position(|node| node.runs()).expect("a node runs");
        let account = cluster.account(up, token).await;
        let Some(mine) = by_account.get(&account) else { continue };
        let auction = mine[0].request["auction"].as_str().expect("an auction").to_owned();
        let mut bidder = Bidder::new(account, token.clone(), auction, home, board.clone(), 0);
        for told in mine.iter().rev().take(ASKED_AGAIN) {
            let asking = bidder.insist(&told.key, told.request.clone());
            let again = tokio::time::timeout(PATIENCE, asking).await.expect("an answer in time");
            assert_eq!(essence(&again.verdict), essence(&told.verdict), "asked again");
        }
    }
}

/// A verdict without what belongs to one asking alone.
fn essence(verdict: &Value) -> Value {
    let fields = ["type", "auction", "key", "seq", "leading", "price", "minimum_bid", "your_max"];
    fields.into_iter().filter_map(|field| Some((field.to_owned(), verdict.get(field)?.clone()))).collect()
}

/// The longest time after `from` in which nobody was told that a bid stands, until bidding went on; and when it began.
pub fn longest_silence(told: &[Told], from: Duration) -> (Duration, Duration) {
    let mut times: Vec<Duration> = told.iter().filter(|told| told.accepted()).map(|told| told.told_at).collect();
    times.retain(|at| *at > from);
    times.push(from);
    times.sort_unstable();
    let silences = times.windows(2).map(|pair| (pair[1] - pair[0], pair[0]));
    silences.max().unwrap_or_default()
}

/// What is told of the bids and watchers, for whoever has to find out why a history was refused.
fn explain(history: &History, truth: &Truth) -> String {
    let told: String = history.told.iter().map(|told| format!("{told:?}\n")).collect();
    let log: String = truth.facts.iter().map(|fact| format!("{} {:?}\n", fact.public, fact.event.kind)).collect();
    let watched: String = history.watched.iter().map(|watched| format!("{watched:?}\n")).collect();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("history.txt");
    let _ = std::fs::write(&file, format!("{told}\n{log}\n{watched}"));
    format!("the whole history is in {}", file.display())
}
