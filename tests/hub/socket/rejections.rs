//! Every code by which a bid is refused, in both codecs.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CODECS, Codec, Market, Socket};
use crate::harness::send;
use crate::market::{desk_with, moderator, offer};

fn refused(answer: &Value, code: &str) {
    assert_eq!((&answer["type"], &answer["code"]), (&json!("bid_rejected"), &json!(code)), "{answer}");
    assert!(answer["message"].is_string() && answer["key"].is_string() && answer["auction"].is_string());
}

#[tokio::test]
async fn what_is_no_amount_is_refused_as_a_bid() {
    let market = Market::open().await;
    for codec in CODECS {
        let mut socket = market.bidder(codec, codec.name()).await;
        for amount in [json!(0), json!(-1), json!(1.5), json!("1000"), json!(true), json!(1_i64 << 53), json!(1e300)] {
            refused(&socket.ask(market.straight("k", amount.clone())).await, "invalid_amount");
            refused(&socket.ask(market.max("k", amount)).await, "invalid_amount");
        }
        let answer = socket.ask(market.straight(codec.name(), (1_i64 << 53) - 1)).await;
        assert!(answer["type"] == "bid_accepted" || answer["code"] == "bid_too_low", "{answer}");
    }
}

#[tokio::test]
async fn an_auction_that_is_not_there_takes_no_bids() {
    let market = Market::open().await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    for id in ["01234567-89ab-7def-8123-456789abcdef", "no id", ""] {
        let bid = json!({"type": "bid", "auction": id, "key": "k", "amount": 1000});
        let answer = socket.ask(bid).await;
        refused(&answer, "unknown_auction");
        assert_eq!(answer["auction"], id);
        let answer = socket.ask(json!({"type": "join", "auction": id})).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("unknown_auction")));
    }
}

#[tokio::test]
async fn sellers_do_not_bid_on_their_own() {
    let market = Market::open().await;
    for codec in CODECS {
        let mut socket = Socket::of(market.hub.address, codec, &market.seller.token).await;
        refused(&socket.ask(market.straight(codec.name(), 1_000)).await, "own_auction");
    }
}

#[tokio::test]
async fn an_auction_takes_bids_from_its_opening_to_its_end() {
    let market = Market::with(json!({"starts_at": "2026-11-20T09:40:00.000Z"}), |_| ()).await;
    let mut socket = market.bidder(Codec::MessagePack, "ada").await;
    refused(&socket.ask(market.straight("early", 1_000)).await, "auction_not_open");
    market.hub.clock.advance(Span::from_secs(600));
    assert_eq!(socket.ask(market.straight("in time", 1_000).clone()).await["code"], "invalid_request");
    let accepted = socket.ask(market.straight("in-time", 1_000)).await;
    assert_eq!(accepted["type"], "bid_accepted", "{accepted}");
    market.hub.clock.advance(Span::from_secs(3_000));
    refused(&socket.ask(market.straight("late", 5_000)).await, "auction_closed");
    let again = socket.ask(market.straight("in-time", 1_000)).await;
    assert_eq!((&again["type"], &again["seq"]), (&json!("bid_accepted"), &accepted["seq"]), "also after the end");
}

#[tokio::test]
async fn what_is_not_covered_is_refused_with_what_is_set_aside() {
    let market = Market::with(json!({"funds": "required"}), |_| ()).await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    let answer = socket.ask(market.straight("k", 1_000)).await;
    refused(&answer, "insufficient_funds");
    assert_eq!(answer["allowance"], 0);
}

#[tokio::test]
async fn a_lot_is_bought_once() {
    let market = Market::with(json!({"buy_now": 9000}), |_| ()).await;
    let (mut ada, mut bob) = (market.bidder(Codec::Json, "ada").await, market.bidder(Codec::MessagePack, "bob").await);
    bob.ask(market.join()).await;
    let buy = json!({"type": "buy_now", "auction": market.auction, "key": "k"});
    let bought = ada.ask(buy.clone()).await;
    assert_eq!(
        (&bought["type"], &bought["price"], &bought["leading"]),
        (&json!("bid_accepted"), &json!(9000), &json!(true))
    );
    let events = bob.events(2).await;
    assert_eq!(
        (&events[1]["kind"], &events[1]["outcome"], &events[1]["winner"]),
        (&json!("ended"), &json!("bought_now"), &json!("Bidder 1"))
    );
    refused(&bob.ask(buy.clone()).await, "auction_closed");
    assert_eq!(ada.ask(buy).await["seq"], bought["seq"]);
}

#[tokio::test]
async fn a_cancelled_auction_takes_no_bids() {
    let market = Market::open().await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    socket.ask(market.join()).await;
    let path = format!("/api/auctions/{}", market.auction);
    send(market.hub.request(Method::DELETE, &path).bearer_auth(&market.seller.token)).await.is(204);
    assert_eq!(socket.events(1).await[0]["kind"], "stopped");
    refused(&socket.ask(market.straight("k", 1_000)).await, "auction_stopped");
}

#[tokio::test]
async fn one_connection_bids_in_many_rooms_without_joining_any() {
    let market = Market::open().await;
    let other = offer(&market.hub, &market.seller, desk_with(json!({"title": "Lamp"}))).await;
    let mut socket = market.bidder(Codec::Json, "ada").await;
    for auction in [&market.auction, &other] {
        let answer = socket.ask(json!({"type": "bid", "auction": auction, "key": "k", "amount": 1000})).await;
        assert_eq!(
            (&answer["type"], &answer["auction"]),
            (&json!("bid_accepted"), &json!(auction)),
            "keys are by room"
        );
    }
}

#[tokio::test]
async fn of_bids_sent_at_once_each_gets_its_answer_and_none_too_many_is_taken() {
    let market = Market::open().await;
    for codec in CODECS {
        let mut socket = market.bidder(codec, codec.name()).await;
        let base = if codec == Codec::Json { 2_000_000 } else { 3_000_000 };
        let mut ids = Vec::new();
        for number in 0..64 {
            ids.push(socket.request(market.max(&format!("{}-{number}", codec.name()), base + number)).await);
        }
        let mut answers = Vec::new();
        for _ in &ids {
            answers.push(socket.any_answer().await.unwrap());
        }
        let mut answered: Vec<i64> = answers.iter().map(|answer| answer["reply_to"].as_i64().unwrap()).collect();
        answered.sort_unstable();
        assert_eq!(answered, ids, "each request once");
        assert!(answers.iter().filter(|answer| answer["type"] == "bid_accepted").count() >= 16);
        for answer in answers.iter().filter(|answer| answer["code"] == "bid_in_flight") {
            assert_eq!(answer["retry"], true);
            let number = answer["reply_to"].as_i64().unwrap() - ids[0];
            let again = socket.ask(market.max(answer["key"].as_str().unwrap(), base + number)).await;
            assert!(again["type"] == "bid_accepted" || again["code"] == "max_not_raised", "its key is open: {again}");
        }
    }
}

#[tokio::test]
async fn staff_pause_an_auction_and_let_it_go_on() {
    let market = Market::open().await;
    let staff = moderator(&market.hub, "staff", "staff").await;
    let mut socket = market.bidder(Codec::MessagePack, "ada").await;
    socket.ask(market.join()).await;
    let path = format!("/api/staff/auctions/{}", market.auction);
    market.hub.post_as(&staff.token, &format!("{path}/pause"), json!({"reason": "a look"})).await;
    assert_eq!(socket.events(1).await[0]["kind"], "paused");
    refused(&socket.ask(market.straight("k", 1_000)).await, "auction_paused");
    market.hub.post_as(&staff.token, &format!("{path}/resume"), json!({})).await;
    assert_eq!(socket.events(1).await[0]["kind"], "resumed");
    let answer = socket.ask(market.straight("k2", 1_000)).await;
    assert_eq!(answer["type"], "bid_accepted", "{answer}");
}

#[tokio::test]
async fn whoever_is_banned_is_cut_off_and_may_not_bid() {
    let market = Market::open().await;
    let staff = moderator(&market.hub, "staff", "staff").await;
    let user = market.hub.sign_up("mallory").await;
    let mut open = Vec::new();
    for codec in CODECS {
        let mut socket = Socket::of(market.hub.address, codec, &user.token).await;
        socket.ask(market.join()).await;
        open.push(socket);
    }
    let path = format!("/api/staff/users/{}/ban", user.id);
    market.hub.post_as(&staff.token, &path, json!({"reason": "shill"})).await;
    for mut socket in open {
        assert_eq!(socket.closed().await, Some(4002), "at once");
    }
    let mut again = Socket::of(market.hub.address, Codec::Json, &user.token).await;
    assert_eq!(again.ask(market.join()).await["type"], "joined", "anyone may watch");
    refused(&again.ask(market.straight("k", 1_000)).await, "banned");
    market.hub.post_as(&staff.token, &format!("/api/staff/users/{}/unban", user.id), json!({})).await;
    assert_eq!(again.closed().await, Some(4002), "a socket that still carries the ban");
    let mut other = market.bidder(Codec::Json, "ada").await;
    assert_eq!(other.ask(market.straight("k", 1_000)).await["type"], "bid_accepted");
}
