//! The own bids, with how they stand: seen by their bidder alone, and in pages without a gap.

use bidhub::domain::Span;
use serde_json::{Value, json};

use crate::harness::{Hub, User};
use crate::market::{bid, moderator};
use crate::notices::{desk_for, until};
use crate::stories::stories;

/// The one own bid in an auction, once it fits.
async fn stake(hub: &Hub, who: &User, auction: &str, standing: &str) -> Value {
    let of = |body: &Value| {
        let items = body["items"].as_array().unwrap();
        items.iter().find(|item| item["auction"] == json!(auction) && item["standing"] == json!(standing)).cloned()
    };
    of(&until(hub, who, "/api/me/bids?limit=200", |body| of(body).is_some()).await).unwrap()
}

async fn a_bidder_sees_how_each_own_bid_stands(hub: &Hub) {
    let [seller, ada, ben] =
        [hub.sign_up("stand-seller").await, hub.sign_up("stand-ada").await, hub.sign_up("stand-ben").await];
    let sam = moderator(hub, "stand-sam", "staff").await;
    let auction = desk_for(hub, &seller, 3_600, json!({"title": "Oak chair"})).await;
    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    let leads = stake(hub, &ada, &auction, "leading").await;
    let ends_at = leads["ends_at"].clone();
    assert_eq!(
        leads,
        json!({"auction": auction, "standing": "leading", "alias": "Bidder 1", "max": 3000, "bids": 1, "last_seq": 2,
            "last_bid_at": leads["last_bid_at"], "title": "Oak chair", "image_url": null, "currency": "USD",
            "price": 1000, "minimum_bid": 1100, "bid_count": 1, "status": "open", "ends_at": ends_at, "outcome": null})
    );
    bid(hub, &ben, &auction, "b", json!({"max": 2000})).await.is(201);
    let below = stake(hub, &ben, &auction, "outbid").await;
    assert_eq!((&below["max"], &below["alias"]), (&json!(2000), &json!("Bidder 2")));
    let high = bid(hub, &ben, &auction, "c", json!({"max": 5000})).await.is(201).body["seq"].as_u64().unwrap();
    assert_eq!(stake(hub, &ben, &auction, "leading").await["bids"], 2);
    let outbid = stake(hub, &ada, &auction, "outbid").await;
    assert!(outbid["max"] == 3000 && !outbid.to_string().contains("5000"), "no ceiling of others: {outbid}");
    let void = format!("/api/staff/auctions/{auction}/bids/{high}/void");
    hub.post_as(&sam.token, &void, json!({"reason": "a mistake"})).await.is(200);
    stake(hub, &ada, &auction, "leading").await;
    let rest = stake(hub, &ben, &auction, "outbid").await;
    assert_eq!((&rest["max"], &rest["bids"]), (&json!(2000), &json!(1)));
    // Without any bid that counts.
    let low = 3;
    let void = format!("/api/staff/auctions/{auction}/bids/{low}/void");
    hub.post_as(&sam.token, &void, json!({"reason": "a mistake"})).await.is(200);
    assert_eq!(stake(hub, &ben, &auction, "void").await["max"], Value::Null);

    let stopped = desk_for(hub, &seller, 3_600, json!({})).await;
    bid(hub, &ben, &stopped, "d", json!({"amount": 1000})).await.is(201);
    let stop = format!("/api/staff/auctions/{stopped}/stop");
    hub.post_as(&sam.token, &stop, json!({"reason": "a mistake"})).await.is(200);
    stake(hub, &ben, &stopped, "stopped").await;
    let lost = desk_for(hub, &seller, 3_600, json!({})).await;
    bid(hub, &ben, &lost, "e", json!({"amount": 1000})).await.is(201);
    bid(hub, &ada, &lost, "f", json!({"amount": 1100})).await.is(201);
    hub.clock.advance(Span::from_secs(3_600));
    let won = stake(hub, &ada, &auction, "won").await;
    assert_eq!((&won["status"], &won["outcome"]), (&json!("ended"), &json!("sold")));
    stake(hub, &ada, &lost, "won").await;
    stake(hub, &ben, &lost, "lost").await;
    stake(hub, &ben, &auction, "void").await;
    for (standing, expected) in [("void", &auction), ("stopped", &stopped), ("lost", &lost)] {
        let list = hub.get_as(&ben.token, &format!("/api/me/bids?standing={standing}")).await.is(200).body.clone();
        let auctions: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["auction"].clone()).collect();
        assert_eq!(auctions, [json!(expected)], "{standing}");
    }
    assert_eq!(hub.get_as(&seller.token, "/api/me/bids").await.is(200).body, json!({"items": [], "next": null}));
}

async fn the_list_is_paged_without_a_gap_the_newest_bid_first(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("list-seller").await, hub.sign_up("list-ada").await);
    let mut expected = Vec::new();
    for number in 0..7 {
        let auction = desk_for(hub, &seller, 3_600, json!({})).await;
        bid(hub, &ada, &auction, "a", json!({"amount": 1000})).await.is(201);
        // Two bids of each moment: the auction decides among them.
        if number % 2 == 0 {
            hub.clock.advance(Span::from_secs(1));
        }
        expected.push(auction);
    }
    let whole = until(hub, &ada, "/api/me/bids", |body| body["items"].as_array().unwrap().len() == 7).await;
    let of = |body: &Value| -> Vec<Value> {
        body["items"].as_array().unwrap().iter().map(|item| item["auction"].clone()).collect()
    };
    for query in ["limit=2", "limit=2&standing=leading", "limit=3"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = hub.get_as(&ada.token, &format!("/api/me/bids?{query}{cursor}")).await.is(200).body.clone();
            seen.extend(of(&page));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, of(&whole), "{query}");
    }
    let times: Vec<_> =
        whole["items"].as_array().unwrap().iter().map(|item| item["last_bid_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    expected.sort_unstable();
    let mut listed: Vec<_> = of(&whole).iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    listed.sort_unstable();
    assert_eq!(listed, expected);
    // A new bid brings its auction to the top.
    let last = of(&whole)[6].as_str().unwrap().to_owned();
    hub.clock.advance(Span::from_secs(1));
    bid(hub, &ada, &last, "b", json!({"max": 2000})).await.is(201);
    until(hub, &ada, "/api/me/bids?limit=1", |body| body["items"][0]["auction"] == json!(last)).await;
    for wrong in ["standing=first", "limit=0", "cursor=x", "q=x"] {
        hub.get_as(&ada.token, &format!("/api/me/bids?{wrong}")).await.is(422);
    }
    hub.get("/api/me/bids").await.is_problem(401, "unauthenticated");
}

stories! {
    a_bidder_sees_how_each_own_bid_stands
    the_list_is_paged_without_a_gap_the_newest_bid_first
}
