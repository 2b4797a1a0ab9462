//! One evening at an auction, told in both codecs: every field of every answer and push.

use bidhub::domain::Span;
use serde_json::{Value, json};

use super::{CODECS, Codec, Market};

/// What a bidder and a watcher are told, with the ids of this run replaced by names.
async fn tell(codec: Codec) -> Vec<Value> {
    let soft_close = json!({"window_s": 3600, "extension_s": 3600, "max_total_s": 7200});
    let members = json!({"reserve": 5000, "buy_now": 9000, "soft_close": soft_close});
    let market = Market::with(members, |_| ()).await;
    let mut told = Vec::new();
    let mut watcher = market.watcher(codec).await;
    let joined = watcher.ask(market.join()).await;
    let (log, seq) = (joined["log"].as_str().unwrap().to_owned(), joined["seq"].as_u64().unwrap());
    told.push(joined);
    let (mut ada, mut bob) = (market.bidder(codec, "ada").await, market.bidder(codec, "bob").await);
    market.hub.clock.advance(Span::from_secs(60));
    told.push(ada.ask(market.straight("a-1", 1_000)).await);
    told.push(ada.ask(market.straight("a-1", 1_000)).await);
    told.push(ada.ask(market.straight("a-1", 1_100)).await);
    told.push(bob.ask(market.max("b-1", 1_099)).await);
    told.push(bob.ask(market.max("b-2", 4_000)).await);
    market.hub.clock.advance(Span::from_secs(60));
    told.push(bob.ask(market.max("b-3", 6_000)).await);
    told.push(bob.ask(market.max("b-4", 6_000)).await);
    told.push(ada.ask(market.max("a-2", 5_500)).await);
    told.push(ada.ask(json!({"type": "buy_now", "auction": market.auction, "key": "a-3"})).await);
    told.push(bob.ask(market.join()).await);
    told.push(ada.ask(json!({"type": "join", "auction": market.auction, "after": seq + 1, "log": log})).await);
    told.push(ada.ask(json!({"type": "leave", "auction": market.auction})).await);
    told.push(ada.ask(json!({"type": "ping", "sent_at": 1_795_253_400_000_u64})).await);
    told.push(ada.ask(json!({"type": "ping"})).await);
    told.extend(watcher.events(7).await);
    market.hub.clock.advance(Span::from_secs(3_600));
    told.extend(watcher.events(1).await);
    told.push(bob.ask(market.join()).await);
    let names = [(market.auction.as_str(), "auction"), (log.as_str(), "log")];
    let told = told.into_iter().map(|mut message: Value| {
        // How many watch is looked at now and then, so no two runs need see the same.
        if let Some(viewers) = message.as_object_mut().and_then(|it| it.remove("viewers")) {
            assert!((1..=4).contains(&viewers.as_u64().unwrap()), "{viewers}");
        }
        let text = names.iter().fold(message.to_string(), |text, (id, name)| text.replace(id, name));
        serde_json::from_str(&text).unwrap()
    });
    let told = told.collect();
    market.hub.stop().await;
    told
}

fn accepted(reply_to: i64, key: &str, seq: u64, leading: bool, price: i64, minimum: i64, max: i64) -> Value {
    json!({"type": "bid_accepted", "reply_to": reply_to, "auction": "auction", "key": key, "seq": seq,
        "leading": leading, "price": price, "minimum_bid": minimum, "your_max": max})
}

/// A bid event: its seq and number of bids, its moment and the end then.
fn bid(numbers: [u64; 2], times: [&str; 2], bidder: &str, amount: i64, price: i64, leader: &str) -> Value {
    let ([seq, count], [at, ends_at]) = (numbers, times);
    json!({"seq": seq, "at": format!("2026-11-20T{at}:00.000Z"), "kind": "bid", "bidder": bidder, "amount": amount,
        "price": price, "minimum_bid": price + 100, "leader": leader, "bid_count": count,
        "ends_at": format!("2026-11-20T{ends_at}:00.000Z")})
}

#[tokio::test]
async fn every_field_is_that_of_the_contract_and_both_codecs_say_the_same() {
    let told = tell(Codec::Json).await;
    let (a, b) = ("Bidder 1", "Bidder 2");
    let state = json!({"status": "open", "currency": "USD", "price": null, "minimum_bid": 1000, "leader": null,
        "bid_count": 0, "starts_at": "2026-11-20T09:30:00.000Z", "ends_at": "2026-11-20T10:30:00.000Z",
        "reserve": "not_met", "buy_now": 9000, "outcome": null, "winner": null,
        "server_time": "2026-11-20T09:30:00.000Z", "you": null});
    let mut last = state.clone();
    for (field, value) in [
        ("status", json!("ended")),
        ("price", json!(5_600)),
        ("minimum_bid", json!(5_700)),
        ("leader", json!(b)),
        ("bid_count", json!(4)),
        ("ends_at", json!("2026-11-20T10:32:00.000Z")),
        ("reserve", json!("met")),
        ("buy_now", Value::Null),
        ("outcome", json!("sold")),
        ("winner", json!(b)),
        ("server_time", json!("2026-11-20T10:32:00.000Z")),
        ("you", json!({"alias": b, "leading": true, "max": 6000, "allowance": 0})),
    ] {
        last[field] = value;
    }
    let mut open = last.clone();
    open["status"] = json!("open");
    open["outcome"] = Value::Null;
    open["winner"] = Value::Null;
    open["server_time"] = json!("2026-11-20T09:32:00.000Z");
    let events = [
        bid([2, 1], ["09:31", "10:30"], a, 1_000, 1_000, a),
        json!({"seq": 3, "at": "2026-11-20T09:31:00.000Z", "kind": "extended", "ends_at": "2026-11-20T10:31:00.000Z",
            "cause": "soft_close"}),
        bid([4, 2], ["09:31", "10:31"], b, 1_100, 1_100, b),
        bid([5, 3], ["09:32", "10:31"], b, 5_000, 5_000, b),
        json!({"seq": 6, "at": "2026-11-20T09:32:00.000Z", "kind": "reserve_met", "price": 5_000}),
        json!({"seq": 7, "at": "2026-11-20T09:32:00.000Z", "kind": "extended", "ends_at": "2026-11-20T10:32:00.000Z",
            "cause": "soft_close"}),
        bid([8, 4], ["09:32", "10:32"], a, 5_500, 5_600, b),
    ];
    let ended = json!({"seq": 9, "at": "2026-11-20T10:32:00.000Z", "kind": "ended", "outcome": "sold", "price": 5_600,
        "winner": b});
    let refused = |reply_to: i64, key: &str, code: &str| json!({"type": "bid_rejected", "reply_to": reply_to, "auction": "auction", "key": key, "code": code});
    let with = |mut value: Value, field: &str, more: Value| {
        value[field] = more;
        value
    };
    let mut expected = vec![
        json!({"type": "joined", "reply_to": 1, "auction": "auction", "seq": 1, "log": "log", "state": state}),
        accepted(1, "a-1", 2, true, 1_000, 1_100, 1_000),
        accepted(2, "a-1", 2, true, 1_000, 1_100, 1_000),
        refused(3, "a-1", "key_reused"),
        with(refused(1, "b-1", "bid_too_low"), "minimum_bid", json!(1_100)),
        accepted(2, "b-2", 4, true, 1_100, 1_200, 4_000),
        accepted(3, "b-3", 5, true, 5_000, 5_100, 6_000),
        with(refused(4, "b-4", "max_not_raised"), "your_max", json!(6_000)),
        accepted(4, "a-2", 8, false, 5_600, 5_700, 5_500),
        refused(5, "a-3", "buy_now_unavailable"),
        json!({"type": "joined", "reply_to": 5, "auction": "auction", "seq": 8, "log": "log", "state": open}),
        json!({"type": "joined", "reply_to": 6, "auction": "auction", "seq": 8, "log": "log", "resumed": true,
            "events": &events[1..], "you": {"alias": a, "leading": false, "max": 5500, "allowance": 0}}),
        json!({"type": "left", "reply_to": 7, "auction": "auction"}),
        json!({"type": "pong", "reply_to": 8, "sent_at": 1_795_253_400_000_u64, "server_time": "2026-11-20T09:32:00.000Z"}),
        json!({"type": "pong", "reply_to": 9, "server_time": "2026-11-20T09:32:00.000Z"}),
    ];
    expected.extend(events.iter().cloned());
    expected.push(ended);
    expected
        .push(json!({"type": "joined", "reply_to": 6, "auction": "auction", "seq": 9, "log": "log", "state": last}));
    for (told, expected) in told.iter().zip(&expected) {
        let mut told = told.clone();
        if told["type"] == "bid_rejected" {
            let message = told.as_object_mut().unwrap().remove("message");
            assert!(message.is_some_and(|message| message.as_str().is_some_and(|text| text.ends_with('.'))));
        }
        assert_eq!(&told, expected);
    }
    assert_eq!(told.len(), expected.len());
    for codec in CODECS {
        assert_eq!(tell(codec).await, told, "{codec:?}");
    }
}
