//! Reads a public log as anyone may, and checks what must hold of every one: no gap, no price that falls, and a chain of
//! digests that follows from the public bytes.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::rest::Rest;

/// The public log of an auction, checked.
pub struct Log {
    pub events: Vec<Value>,
}

impl Log {
    pub async fn read(hub: &Rest, auction: &str) -> Self {
        let events = hub.all(&format!("/api/auctions/{auction}/events")).await;
        let log = Self { events };
        log.check(hub, auction).await;
        log
    }

    async fn check(&self, hub: &Rest, auction: &str) {
        let mut price = 0;
        for (index, event) in self.events.iter().enumerate() {
            assert_eq!(event["seq"], index as u64 + 1, "no gap");
            if event["kind"] == "bid" {
                let next = event["price"].as_i64().expect("a price");
                assert!(next >= price, "the price never falls");
                price = next;
            }
        }
        let mut before: Option<Vec<u8>> = None;
        for event in &self.events {
            let digest = hex::decode(event["digest"].as_str().expect("a digest")).expect("hex");
            if let Some(before) = before {
                assert_eq!(digest, follow(&before, event), "the chain holds at {}", event["seq"]);
            }
            before = Some(digest);
        }
        let page = hub.get(&format!("/api/auctions/{auction}")).await;
        assert!(page["seq"].as_u64() >= self.events.last().and_then(|event| event["seq"].as_u64()));
    }

    /// The bid events by seq.
    pub fn bids(&self) -> HashMap<u64, &Value> {
        let bids = self.events.iter().filter(|event| event["kind"] == "bid");
        bids.map(|event| (event["seq"].as_u64().expect("a seq"), event)).collect()
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["kind"].as_str()).collect()
    }
}

/// The digest that an event must have after this one: of the digest before, its public bytes and its commitment. The
/// public bytes are the members but those two, sorted, without spaces.
fn follow(before: &[u8], event: &Value) -> Vec<u8> {
    let mut public = event.as_object().expect("an event").clone();
    let commitment = public.remove("commitment").expect("a commitment");
    public.remove("digest");
    let sorted: std::collections::BTreeMap<_, _> = public.into_iter().collect();
    let commitment = hex::decode(commitment.as_str().expect("text")).expect("hex");
    let bytes = serde_json::to_vec(&sorted).expect("JSON");
    Sha256::new().chain_update(before).chain_update(bytes).chain_update(commitment).finalize().to_vec()
}
