//! Power cuts and orderly stops while many bid.

use std::collections::HashMap;
use std::time::Duration;

use bidhub::chance::Chance;
use serde_json::Value;
use tokio::sync::watch;

use crate::bidders::{Told, bid_on, essence, insist};
use crate::log::Log;
use crate::process::Hub;
use crate::socket_client::Codec;
use crate::{long, seed};

const BIDDERS: usize = 64;

/// Bidders on one auction of a hub that comes and goes.
struct Crowd {
    auction: String,
    tokens: Vec<String>,
    at: watch::Sender<Option<std::net::SocketAddr>>,
    until: watch::Sender<bool>,
    bidding: Vec<tokio::task::JoinHandle<Vec<Told>>>,
}

impl Crowd {
    async fn gather(hub: &Hub, seed: u64) -> Self {
        let seller = hub.sign_up("seller").await;
        let auction = hub.offer(&seller, 3_600_000).await;
        let (at, until) = (watch::Sender::new(Some(hub.address)), watch::Sender::new(false));
        let names: Vec<String> = (0..BIDDERS).map(|number| format!("bidder-{number}")).collect();
        let tokens = futures_util::future::join_all(names.iter().map(|name| hub.sign_up(name))).await;
        let bid = |(number, token): (usize, &String)| {
            let chance = Chance::seeded(seed.wrapping_add(number as u64));
            tokio::spawn(bid_on(number, token.clone(), auction.clone(), at.subscribe(), until.subscribe(), chance))
        };
        let bidding = tokens.iter().enumerate().map(bid).collect();
        Self { auction, tokens, at, until, bidding }
    }

    /// Waits until all have their last verdict, and gives every one told.
    async fn disperse(&mut self) -> Vec<Told> {
        self.until.send_replace(true);
        let mut told = Vec::new();
        for bidding in self.bidding.drain(..) {
            told.extend(tokio::time::timeout(Duration::from_secs(60), bidding).await.expect("in time").unwrap());
        }
        told
    }

    /// Every acknowledged bid is in the history exactly once, and the same keys get the same verdicts again.
    async fn assert_kept(&self, hub: &Hub, told: &[Told]) {
        let log = Log::read(hub, &self.auction).await;
        let bids = log.bids();
        let mut by_seq: HashMap<u64, &Told> = HashMap::new();
        for told in told.iter().filter(|told| told.verdict["type"] == "bid_accepted") {
            let seq = told.verdict["seq"].as_u64().unwrap();
            assert!(by_seq.insert(seq, told).is_none(), "two bids were told the seq {seq}");
            let event = bids.get(&seq).unwrap_or_else(|| panic!("{told:?} is lost"));
            assert_eq!(event["price"], told.verdict["price"]);
        }
        assert_eq!(by_seq.len(), bids.len(), "no bid is there that nobody was told of, and none twice");
        let last = log.events.last().unwrap()["seq"].as_u64().unwrap();
        let path = format!("/api/auctions/{}/bids", self.auction);
        let complete = hub.until(&format!("/api/auctions/{}", self.auction), |body| body["seq"] == last).await;
        assert_eq!(complete["state"]["bid_count"], bids.len() as u64);
        let history = hub.all(&path).await;
        let mut seqs: Vec<u64> = history.iter().map(|bid| bid["seq"].as_u64().unwrap()).collect();
        seqs.sort_unstable();
        let mut expected: Vec<u64> = bids.keys().copied().collect();
        expected.sort_unstable();
        assert_eq!(seqs, expected);
        self.assert_repeated(told).await;
        assert_eq!(Log::read(hub, &self.auction).await.events.len(), log.events.len(), "asking again changes nothing");
    }

    async fn assert_repeated(&self, told: &[Told]) {
        let mut by_bidder: Vec<Vec<&Told>> = vec![Vec::new(); BIDDERS];
        for told in told {
            by_bidder[told.bidder].push(told);
        }
        let ask = async |(bidder, all): (usize, &Vec<&Told>)| {
            let mut socket = None;
            let at = self.at.subscribe();
            for told in all {
                let again = insist(&mut socket, Codec::Json, &self.tokens[bidder], &at, &told.request).await;
                if told.verdict["type"] == "bid_accepted" {
                    assert_eq!(essence(&again), essence(&told.verdict));
                } else {
                    assert_eq!(again["type"], "bid_rejected", "{told:?} {again}");
                }
            }
        };
        futures_util::future::join_all(by_bidder.iter().enumerate().map(ask)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_bid_is_lost_or_doubled_however_often_the_power_fails() {
    let seed = seed();
    let chance = Chance::seeded(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(dir.path()).await;
    let mut crowd = Crowd::gather(&hub, seed).await;
    let mut length = 0;
    for _ in 0..if long() { 60 } else { 8 } {
        tokio::time::sleep(Duration::from_millis(100 + chance.below(900))).await;
        crowd.at.send_replace(None);
        hub.kill();
        hub = Hub::start(dir.path()).await;
        let log = Log::read(&hub, &crowd.auction).await;
        assert!(log.events.len() >= length, "the log never gets shorter");
        length = log.events.len();
        crowd.at.send_replace(Some(hub.address));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = crowd.disperse().await;
    let accepted = told.iter().filter(|told| told.verdict["type"] == "bid_accepted").count();
    println!("{} verdicts, {accepted} of them accepted, a log of {length} events at the last cut", told.len());
    assert!(accepted > 100 && accepted < told.len());
    crowd.assert_kept(&hub, &told).await;
    assert_eq!(hub.stop().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_stop_under_load_loses_nothing() {
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(dir.path()).await;
    let mut crowd = Crowd::gather(&hub, seed).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    crowd.at.send_replace(None);
    assert_eq!(hub.stop().await.code(), Some(0));
    let hub = Hub::start(dir.path()).await;
    crowd.at.send_replace(Some(hub.address));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = crowd.disperse().await;
    crowd.assert_kept(&hub, &told).await;
    let kinds: Vec<Value> = Log::read(&hub, &crowd.auction).await.kinds().into_iter().map(Value::from).collect();
    assert!(kinds.iter().all(|kind| kind == "opened" || kind == "bid"), "far from the end a stop moves nothing");
}
