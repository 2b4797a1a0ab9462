//! Coming back: what was missed, or the state; and pushes that go on from there without a gap.

use serde_json::{Value, json};

use super::{CODECS, Codec, Market};

#[tokio::test]
async fn a_resume_gives_what_was_missed_and_then_goes_on() {
    let market = Market::open().await;
    for codec in CODECS {
        let mut bidder = market.bidder(codec, codec.name()).await;
        let base = if codec == Codec::Json { 10_000 } else { 100_000 };
        let mut first = market.watcher(codec).await;
        let joined = first.ask(market.join()).await;
        let (seq, log) = (joined["seq"].as_u64().unwrap(), joined["log"].clone());
        drop(first);
        for number in 0..5 {
            bidder.ask(market.max(&format!("{}-{number}", codec.name()), base + number)).await;
        }
        let resume = |after: u64, log: &Value| {
            let mut request = market.join();
            request["after"] = after.into();
            if !log.is_null() {
                request["log"] = log.clone();
            }
            request
        };
        for log in [&log, &Value::Null] {
            let mut back = market.watcher(codec).await;
            let resumed = back.ask(resume(seq, log)).await;
            assert_eq!((&resumed["resumed"], &resumed["seq"]), (&json!(true), &json!(seq + 5)));
            assert!(resumed.get("state").is_none());
            let missed: Vec<u64> =
                resumed["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
            assert_eq!(missed, (seq + 1..=seq + 5).collect::<Vec<_>>());
            let nothing = back.ask(resume(seq + 5, log)).await;
            assert_eq!((&nothing["resumed"], &nothing["events"]), (&json!(true), &json!([])));
        }
        let mut back = market.watcher(codec).await;
        let other = json!("01234567-89ab-7def-8123-456789abcdef");
        for request in [resume(seq, &other), resume(seq + 6, &log)] {
            let fresh = back.ask(request).await;
            assert_eq!((&fresh["resumed"], &fresh["seq"]), (&json!(false), &json!(seq + 5)));
            assert!(fresh["state"].is_object() && fresh.get("events").is_none());
        }
        bidder.ask(market.max(&format!("{}-next", codec.name()), base + 50)).await;
        assert_eq!(back.events(1).await[0]["seq"], seq + 6);
    }
}

#[tokio::test]
async fn too_long_a_gap_is_bridged_by_the_state() {
    let market = Market::open().await;
    let mut bidder = market.bidder(Codec::MessagePack, "ada").await;
    let mut sent = 0;
    while sent < 1_100 {
        for number in sent..sent + 10 {
            bidder.request(market.max(&format!("{number}"), 10_000 + number)).await;
        }
        for _ in 0..10 {
            assert_eq!(bidder.any_answer().await.unwrap()["type"], "bid_accepted");
        }
        sent += 10;
    }
    let mut request = market.join();
    request["after"] = json!(1);
    let fresh = bidder.ask(request.clone()).await;
    assert_eq!(
        (&fresh["resumed"], &fresh["seq"], &fresh["state"]["you"]["max"]),
        (&json!(false), &json!(1_101), &json!(11_099))
    );
    request["after"] = json!(101);
    assert_eq!(bidder.ask(request).await["events"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn events_come_in_order_without_a_gap_until_leaving() {
    let market = Market::open().await;
    let mut bidder = market.bidder(Codec::Json, "ada").await;
    let mut watcher = market.watcher(Codec::Json).await;
    bidder.ask(market.max("0", 10_000)).await;
    let seq = watcher.ask(market.join()).await["seq"].as_u64().unwrap();
    for number in 1..=100 {
        bidder.ask(market.max(&format!("{number}"), 10_000 + number)).await;
    }
    let seqs: Vec<u64> = watcher.events(100).await.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (seq + 1..=seq + 100).collect::<Vec<_>>());
    assert_eq!(watcher.ask(json!({"type": "leave", "auction": market.auction})).await["type"], "left");
    bidder.ask(market.max("last", 20_000)).await;
    assert_eq!(watcher.ask(json!({"type": "ping"})).await["type"], "pong");
    assert_eq!(watcher.ask(market.join()).await["seq"], seq + 101, "nothing was pushed in between");
}
