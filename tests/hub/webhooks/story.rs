//! What an endpoint is sent: each event as the log has it, in order, signed.

use bidhub::domain::Span;
use serde_json::json;

use super::{ask, deliveries, hook, hubs, open_desk, patch, read};
use crate::harness::Hub;
use crate::market::bid;
use crate::receiver::Receiver;

#[tokio::test]
async fn events_come_in_order_signed_and_as_the_log_has_them() {
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        told_as_logged(&hub).await;
        hub.stop().await;
    }
}

async fn told_as_logged(hub: &Hub) {
    let (seller, ada, other) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("other").await);
    let mut endpoint = Receiver::start().await;
    let before = open_desk(hub, &seller).await;
    let (id, secret) = hook(hub, &seller, json!({"url": endpoint.url, "description": " till "})).await;
    let auction = open_desk(hub, &seller).await;
    let foreign = open_desk(hub, &other).await;
    for (number, auction) in [&auction, &foreign, &auction].into_iter().enumerate() {
        let amount = 1_000 + 1_000 * number;
        bid(hub, &ada, auction, &format!("k{number}"), json!({"amount": amount})).await.is(201);
    }
    let log = hub.get(&format!("/api/auctions/{auction}/events")).await.body["items"].as_array().unwrap().clone();
    let mut ids = Vec::new();
    for (seq, kind) in ["created", "opened", "bid", "bid"].into_iter().enumerate() {
        let sent = endpoint.next_of(&format!("auction.{kind}")).await;
        assert_eq!((sent.auction(), sent.seq()), (auction.as_str(), seq as u64));
        assert_eq!(sent.signed_with(&secret), 1, "{sent:?}");
        assert_eq!(sent.id, format!("evt_{}_{seq}", auction.replace('-', "")));
        let event = &sent.body["data"]["event"];
        assert_eq!(sent.body["timestamp"], event["at"]);
        if seq > 0 {
            assert_eq!(*event, log[seq - 1], "byte for byte, digest and all");
        }
        assert!(sent.text.contains(r#""digest":""#) && !sent.text.contains(&ada.id), "only what is public");
        ids.push(sent.id);
    }
    let listed = deliveries(hub, &seller, &id, "&status=delivered", |items| items.len() == 4).await;
    let last = &listed[0];
    assert_eq!((&last["message_id"], &last["type"], &last["seq"]), (&json!(ids[3]), &json!("auction.bid"), &json!(3)));
    assert_eq!((&last["attempts"], &last["status_code"], &last["problem"]), (&json!(1), &json!(200), &json!(null)));
    assert!(last["response_ms"].is_u64() && last["ended_at"].is_string() && last["next_attempt_at"].is_null());

    // What was there before the endpoint comes only when it is asked for, under names that can be known again.
    let replayed = ask(hub, &seller, &id, "replay", json!({"auction": auction, "after_seq": 1})).await;
    assert_eq!(replayed.is(202).body, json!({"queued": 2, "up_to_seq": 3, "more": false}));
    for id in &ids[2..] {
        assert_eq!(endpoint.next_of("auction.bid").await.id, *id);
    }
    let replayed = ask(hub, &seller, &id, "replay", json!({"auction": before})).await;
    assert_eq!(replayed.is(202).body["queued"], 2);
    for (seq, kind) in ["created", "opened"].into_iter().enumerate() {
        let sent = endpoint.next_of(&format!("auction.{kind}")).await;
        assert_eq!((sent.auction(), sent.seq()), (before.as_str(), seq as u64));
    }
    let range = json!({"auction": auction, "after_seq": 1, "up_to_seq": 2});
    let replayed = ask(hub, &seller, &id, "replay", range).await;
    assert_eq!(replayed.is(202).body, json!({"queued": 1, "up_to_seq": 2, "more": false}));
    assert_eq!(endpoint.next_of("auction.bid").await.id, ids[2]);
    assert!(endpoint.rest().is_empty());

    // A test, and what was delivered once more.
    let test = ask(hub, &seller, &id, "test", json!({})).await;
    assert_eq!((&test.is(202).body["status"], &test.body["auction"]), (&json!("pending"), &json!(null)));
    let sent = endpoint.next_of("webhook.test").await;
    assert_eq!((&json!(sent.id), &sent.body["data"]), (&test.body["message_id"], &json!({"webhook": id})));
    assert_eq!(sent.signed_with(&secret), 1);
    let again = ask(hub, &seller, &id, &format!("deliveries/{}/retry", last["id"]), json!({})).await;
    assert_eq!(again.is(202).body["attempts"], 0);
    assert_eq!(endpoint.next_of("auction.bid").await.id, ids[3]);

    // A new secret signs at once, and the old one for a day beside it.
    let rotated = ask(hub, &seller, &id, "rotate", json!({})).await;
    let fresh = rotated.is(200).body["secret"].as_str().unwrap().to_owned();
    assert_ne!(fresh, secret);
    assert_eq!(rotated.body["old_secret_until"], "2026-11-21T09:30:00.000Z");
    bid(hub, &ada, &auction, "r", json!({"amount": 5_000})).await.is(201);
    let sent = endpoint.next_of("auction.bid").await;
    assert_eq!((sent.signed_with(&fresh), sent.signed_with(&secret)), (1, 1));
    assert_eq!(sent.timestamp, 1_795_167_000);
    hub.clock.advance(Span::from_secs(24 * 3_600));
    ask(hub, &seller, &id, "test", json!({})).await.is(202);
    let sent = endpoint.next_of("webhook.test").await;
    assert_eq!((sent.signed_with(&fresh), sent.signed_with(&secret)), (1, 0));

    // Only some kinds of one auction.
    let narrowed = patch(hub, &seller, &id, json!({"events": ["ended", "paused", "bid"], "auction": before})).await;
    assert_eq!(narrowed.is(200).body["events"], json!(["bid", "paused", "ended"]));
    bid(hub, &ada, &auction, "n1", json!({"amount": 9_000})).await.is(201);
    bid(hub, &ada, &before, "n2", json!({"amount": 1_000})).await.is(201);
    let sent = endpoint.next_of("auction.bid").await;
    assert_eq!(sent.auction(), before);
    let wide = patch(hub, &seller, &id, json!({"events": null, "auction": null, "description": ""})).await;
    assert_eq!((&wide.is(200).body["events"], &wide.body["description"]), (&json!(null), &json!("")));
    assert_eq!(read(hub, &seller, &id).await, wide.body);
    assert!(endpoint.rest().is_empty());
}

#[tokio::test]
async fn who_has_more_events_than_one_replay_asks_again() {
    let hub = Hub::with(super::open).await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = open_desk(&hub, &seller).await;
    for number in 0..1_000 {
        bid(&hub, &ada, &auction, &format!("k{number}"), json!({"max": 2_000 + number})).await.is(201);
    }
    let mut endpoint = Receiver::start().await;
    let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url, "events": ["created", "opened"]})).await;
    let replay = async |body| ask(&hub, &seller, &id, "replay", body).await.is(202).body.clone();
    let first = replay(json!({"auction": auction})).await;
    assert_eq!(first, json!({"queued": 2, "up_to_seq": 1_000, "more": true}));
    let rest = replay(json!({"auction": auction, "after_seq": 1_000})).await;
    assert_eq!(rest, json!({"queued": 0, "up_to_seq": 1_001, "more": false}));
    let part = replay(json!({"auction": auction, "up_to_seq": 1_000})).await;
    assert_eq!(part, json!({"queued": 2, "up_to_seq": 1_000, "more": false}));
    let first = replay(json!({"auction": auction, "up_to_seq": 0})).await;
    assert_eq!(first, json!({"queued": 1, "up_to_seq": 0, "more": false}));
    let end = replay(json!({"auction": auction, "after_seq": 1_001})).await;
    assert_eq!(end, json!({"queued": 0, "up_to_seq": 1_001, "more": false}));
    let wrong = ask(&hub, &seller, &id, "replay", json!({"auction": auction, "after_seq": 3, "up_to_seq": 2})).await;
    assert_eq!(wrong.is_problem(422, "invalid_field").body["field"], "up_to_seq");
    endpoint.next_of("auction.created").await;
    endpoint.next_of("auction.opened").await;
    hub.stop().await;
}
