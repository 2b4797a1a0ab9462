//! Bids by REST, their refusals, the history, buying at once.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, desk, desk_with, offer, read};

async fn history(hub: &Hub, auction: &str, query: &str) -> Answer {
    let answer = hub.get(&format!("/api/auctions/{auction}/bids{query}")).await;
    answer.is(200);
    answer
}

async fn buy_now(hub: &Hub, bidder: &User, auction: &str, key: &str) -> Answer {
    let path = format!("/api/auctions/{auction}/buy-now");
    send(hub.request(Method::POST, &path).bearer_auth(&bidder.token).header("Idempotency-Key", key)).await
}

#[tokio::test]
async fn a_bid_is_accepted_once_however_often_it_is_sent() {
    let hub = Hub::start().await;
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(&hub, &seller, desk()).await;
    let first = bid(&hub, &ada, &auction, "k1", json!({"max": 2000})).await;
    first.is(201);
    let seq = first.body["seq"].as_u64().unwrap();
    assert_eq!(
        first.body,
        json!({"auction": auction, "key": "k1", "seq": seq, "leading": true, "price": 1000, "minimum_bid": 1100,
            "your_max": 2000})
    );
    bid(&hub, &bob, &auction, "k1", json!({"amount": 2500})).await.is(201);
    let again = bid(&hub, &ada, &auction, "k1", json!({"max": 2000})).await;
    again.is(201);
    assert_eq!(again.body, first.body, "the first verdict, though another leads by now");
    bid(&hub, &ada, &auction, "k1", json!({"max": 2001})).await.is_problem(409, "key_reused");
    assert_eq!(history(&hub, &auction, "").await.body["items"].as_array().unwrap().len(), 2);

    let own = hub.get_as(&ada.token, &format!("/api/auctions/{auction}")).await.body;
    assert_eq!(own["state"]["you"], json!({"alias": "Bidder 1", "leading": false, "max": 2000, "allowance": 0}));
    assert_eq!((&own["leader"], &own["price"]), (&json!("Bidder 2"), &json!(2500)));
    hub.clock.advance(Span::from_secs(7_200));
    let after_the_end = bid(&hub, &ada, &auction, "k1", json!({"max": 2000})).await;
    assert_eq!(after_the_end.body, first.body, "also after the end");
}

#[tokio::test]
async fn refusals_have_their_code_and_status() {
    let hub = Hub::start().await;
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(&hub, &seller, desk_with(json!({"starts_at": "2026-11-20T09:29:00.000Z"}))).await;
    let later = offer(&hub, &seller, desk_with(json!({"starts_at": "2026-11-20T10:00:00.000Z"}))).await;
    bid(&hub, &ada, &auction, "a", json!({"amount": 2000})).await.is(201);

    let low = bid(&hub, &bob, &auction, "b1", json!({"amount": 2099})).await;
    assert_eq!(low.is_problem(409, "bid_too_low").body["minimum_bid"], 2100);
    let raised = bid(&hub, &ada, &auction, "a2", json!({"max": 2000})).await;
    assert_eq!(raised.is_problem(409, "max_not_raised").body["your_max"], 2000);
    bid(&hub, &seller, &auction, "s", json!({"amount": 3000})).await.is_problem(409, "own_auction");
    bid(&hub, &bob, &later, "l", json!({"amount": 3000})).await.is_problem(409, "auction_not_open");
    buy_now(&hub, &bob, &auction, "n").await.is_problem(409, "buy_now_unavailable");
    let path = format!("/api/auctions/{auction}/bids");
    let anonymous = hub.request(Method::POST, &path).header("Idempotency-Key", "k").json(&json!({"amount": 1}));
    send(anonymous).await.is_problem(401, "unauthenticated");

    for body in [
        json!({"amount": 0}),
        json!({"amount": -1}),
        json!({"amount": 12.5}),
        json!({"amount": 9_007_199_254_740_992_i64}),
        json!({"amount": "2100"}),
        json!({"max": "2100"}),
        json!({"amount": 2100, "max": 2100}),
        json!({}),
    ] {
        bid(&hub, &bob, &auction, "i", body.clone()).await.is_problem(422, "invalid_amount");
    }
    hub.post_as(&bob.token, &path, json!({"amount": 2100})).await.is_problem(400, "missing_idempotency_key");
    for key in ["", "two words", &"x".repeat(129)] {
        bid(&hub, &bob, &auction, key, json!({"amount": 2100})).await.is_problem(400, "invalid_idempotency_key");
    }
    hub.clock.advance(Span::from_secs(7_200));
    bid(&hub, &bob, &auction, "late", json!({"amount": 9000})).await.is_problem(409, "auction_closed");
    assert_eq!(history(&hub, &auction, "").await.body["items"].as_array().unwrap().len(), 1);
    let metrics = hub.get("/metrics").await.body.as_str().unwrap().to_owned();
    assert!(metrics.contains(r#"bidhub_bid_to_ack_seconds_count{via="rest"}"#));
}

#[tokio::test]
async fn the_history_holds_every_acknowledged_bid_and_says_how_far_it_goes() {
    let hub = Hub::start().await;
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(&hub, &seller, desk()).await;
    let mut seqs = Vec::new();
    for number in 0..5 {
        let bidder = if number % 2 == 0 { &ada } else { &bob };
        let amount = 1000 + 100 * number;
        let accepted = bid(&hub, bidder, &auction, &format!("k{number}"), json!({"amount": amount})).await;
        let seq = accepted.is(201).body["seq"].clone();
        let list = history(&hub, &auction, "?limit=1").await;
        let item = json!({"seq": seq, "at": "2026-11-20T09:30:00.000Z", "amount": amount, "price": amount,
            "bidder": if number % 2 == 0 { "Bidder 1" } else { "Bidder 2" }});
        assert_eq!(list.body["items"][0], item, "who was told of a bid finds it at once");
        assert!(list.header("bidhub-seq").parse::<u64>().unwrap() >= seq.as_u64().unwrap());
        seqs.push(seq);
    }
    let seqs_of =
        |list: &Value| list["items"].as_array().unwrap().iter().map(|it| it["seq"].clone()).collect::<Vec<_>>();
    let oldest_first = history(&hub, &auction, "?order=asc&limit=3").await.body;
    let next = oldest_first["next"].as_str().unwrap();
    let rest = history(&hub, &auction, &format!("?order=asc&limit=3&cursor={next}")).await.body;
    assert_eq!([seqs_of(&oldest_first), seqs_of(&rest)].concat(), seqs);
    assert_eq!(rest["next"], Value::Null);
    seqs.reverse();
    assert_eq!(seqs_of(&history(&hub, &auction, "").await.body), seqs);
    hub.get(&format!("/api/auctions/{auction}/bids?order=up")).await.is_problem(422, "invalid_query");
}

#[tokio::test]
async fn a_beaten_ceiling_shows_and_a_leading_one_does_not() {
    let hub = Hub::start().await;
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &ada, &auction, "a", json!({"max": 7777})).await.is(201);
    let beaten = bid(&hub, &bob, &auction, "b", json!({"max": 3333})).await;
    assert_eq!((&beaten.is(201).body["leading"], &beaten.body["price"]), (&json!(false), &json!(3433)));
    let list = history(&hub, &auction, "?order=asc").await.body;
    assert_eq!((&list["items"][0]["amount"], &list["items"][1]["amount"]), (&json!(1000), &json!(3333)));
    let events = hub.get(&format!("/api/auctions/{auction}/events")).await.body;
    for shown in [list, events, read(&hub, &auction).await] {
        assert!(!shown.to_string().contains(":7777"), "{shown}");
    }
}

#[tokio::test]
async fn buying_at_once_ends_the_auction() {
    let hub = Hub::start().await;
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(&hub, &seller, desk_with(json!({"buy_now": 9000}))).await;
    let bought = buy_now(&hub, &ada, &auction, "n1").await;
    assert_eq!((&bought.is(201).body["price"], &bought.body["leading"]), (&json!(9000), &json!(true)));
    assert_eq!(buy_now(&hub, &ada, &auction, "n1").await.body, bought.body);
    buy_now(&hub, &bob, &auction, "n1").await.is_problem(409, "auction_closed");
    let now = read(&hub, &auction).await;
    assert_eq!(
        (&now["status"], &now["outcome"], &now["price"], &now["winner"]),
        (&json!("ended"), &json!("bought_now"), &json!(9000), &json!("Bidder 1"))
    );
    history(&hub, &auction, "").await;
    let row = hub.get("/api/auctions?status=ended").await.body["items"][0].clone();
    assert_eq!(
        (&row["outcome"], &row["winner"], &row["price"]),
        (&json!("bought_now"), &json!("Bidder 1"), &json!(9000))
    );
}
