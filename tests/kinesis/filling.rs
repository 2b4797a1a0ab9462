//! What a reader of the stream finds, whatever happened on the way.

use bidhub::chance::Chance;
use serde_json::{Value, json};

use crate::market::{Market, read, until};
use crate::moto::{Held, Moto};
use crate::process::Hub;
use crate::unruly::Unruly;

/// Adds what a stream holds that went on after another was lost.
fn joined(mut before: Held, after: Held) -> Held {
    for (auction, messages) in after {
        before.entry(auction).or_default().extend(messages);
    }
    before
}

#[tokio::test]
async fn every_event_is_in_the_stream_in_the_order_of_its_auction() {
    let Some(moto) = Moto::start().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(dir.path(), &moto.url()).await;
    let mut market = Market::open(&hub).await;
    market.bid(&hub, 10).await;
    until("what was bid", async || market.is_all_in(&hub, &moto.held().await).await).await;

    // The service goes away. Bidding goes on, and what it brings comes when the service is there again.
    let (port, before) = (moto.port(), moto.held().await);
    drop(moto);
    market.bid(&hub, 10).await;
    drop(hub);
    let hub = Hub::start(dir.path(), &format!("http://127.0.0.1:{port}")).await;
    market.bid(&hub, 10).await;
    let moto = Moto::start_at(port).await;
    moto.create().await;
    let all = async || market.is_all_in(&hub, &joined(before.clone(), moto.held().await)).await;
    until("what was bid meanwhile", all).await;
    for auction in &market.auctions {
        let kinds: Vec<Value> = read(&before, auction).iter().map(|event| event["kind"].clone()).collect();
        assert_eq!(kinds[..2], [json!("opened"), json!("bid")]);
        let later = &moto.held().await[auction];
        assert!(later[0]["data"]["event"]["seq"].as_u64().unwrap() > 0, "what was surely there is not put in again");
    }

    // Nor does anything come again when nothing was missing.
    let held = moto.held().await;
    hub.stop();
    let hub = Hub::start(dir.path(), &moto.url()).await;
    market.bid(&hub, 1).await;
    until("the last bids", async || market.is_all_in(&hub, &joined(before.clone(), moto.held().await)).await).await;
    for auction in &market.auctions {
        assert_eq!(moto.held().await[auction].len(), held[auction].len() + 1);
    }
}

#[tokio::test]
async fn what_is_taken_in_part_or_without_a_word_is_there_in_the_end() {
    let seed = std::env::var("BIDHUB_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| Chance::System.below(1 << 32));
    println!("BIDHUB_SEED={seed}");
    let unruly = Unruly::start(seed).await;
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(dir.path(), &unruly.url).await;
    let mut market = Market::open(&hub).await;
    for requests in [20, 40] {
        while unruly.refused() < requests / 2 || unruly.requests() < requests {
            market.bid(&hub, 3).await;
        }
        // Killed in the middle of whatever it does, it goes on from its checkpoint.
        drop(hub);
        hub = Hub::start(dir.path(), &unruly.url).await;
    }
    unruly.calm();
    until("everything", async || market.is_all_in(&hub, &unruly.held()).await).await;
}
