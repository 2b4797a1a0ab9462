//! Who bids on which auctions, and what a reader of the stream makes of it.

use serde_json::{Value, json};

use crate::moto::Held;
use crate::rest::{PATIENCE, Rest};

/// Three auctions, and someone who bids on them.
pub struct Market {
    bidder: String,
    pub auctions: Vec<String>,
    price: i64,
}

impl Market {
    pub async fn open(hub: &Rest) -> Self {
        let (seller, bidder) = (hub.sign_up("seller").await, hub.sign_up("bidder").await);
        let mut auctions = Vec::new();
        for _ in 0..3 {
            auctions.push(hub.offer(&seller, 3_600_000).await);
        }
        Self { bidder, auctions, price: 1_000 }
    }

    /// So many bids on each auction, in turn, each sent until it is taken.
    pub async fn bid(&mut self, hub: &Rest, times: usize) {
        for _ in 0..times {
            for auction in &self.auctions {
                let (path, key) = (format!("/api/auctions/{auction}/bids"), format!("k{}", self.price));
                let body = json!({"amount": self.price});
                until("a bid", async || {
                    let answer = hub.try_keyed("POST", &self.bidder, &path, &key, &body).await;
                    answer.is_some_and(|(status, _)| status == 201)
                })
                .await;
            }
            self.price += 1;
        }
    }

    /// True once a reader of `held` has every event of every auction.
    pub async fn is_all_in(&self, hub: &Rest, held: &Held) -> bool {
        for auction in &self.auctions {
            let log = hub.all(&format!("/api/auctions/{auction}/events")).await;
            if read(held, auction) != log {
                return false;
            }
        }
        true
    }
}

/// The events of an auction as a reader takes them who takes only the next number each time; without its creation.
pub fn read(held: &Held, auction: &str) -> Vec<Value> {
    let messages = held.get(auction).map(Vec::as_slice).unwrap_or_default();
    let mut events = Vec::new();
    let mut next = 0;
    for message in messages {
        let event = &message["data"]["event"];
        assert_eq!(message["type"], format!("auction.{}", event["kind"].as_str().unwrap()));
        assert_eq!(message["timestamp"], event["at"]);
        if event["seq"] == next {
            events.push(event.clone());
            next += 1;
        }
    }
    if events.is_empty() { events } else { events.split_off(1) }
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} never came"));
}
