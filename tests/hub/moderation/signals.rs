//! What the log of auctions gives away: shills and rings come into the queue, and people who buy do not.

use std::time::Duration;

use bidhub::app;
use bidhub::clock;
use bidhub::domain::Span;
use bidhub::sql;
use serde_json::{Value, json};

use super::{queue, resolve};
use crate::harness::{Hub, User};
use crate::market::{bid, desk_with, eventually, moderator, offer};
use crate::stories::stories;

/// An auction of `seller` in which each of `pushers` bids twice and `winner` last, run to its end.
async fn round(hub: &Hub, seller: &User, winner: &User, pushers: &[&User]) -> String {
    let ends_at = clock::format(hub.clock.now().plus(Span::from_secs(3_600)));
    let steps = json!([{"from": 0, "step": 20}]);
    let auction = offer(hub, seller, desk_with(json!({"ends_at": ends_at, "increments": steps}))).await;
    let mut price = 1_000;
    let mut key = 0;
    bid(hub, winner, &auction, "first", json!({"amount": price})).await.is(201);
    for pusher in pushers.iter().chain(pushers) {
        for bidder in [pusher, &winner] {
            (price, key) = (price + 20, key + 1);
            bid(hub, bidder, &auction, &format!("k{key}"), json!({"amount": price})).await.is(201);
        }
    }
    hub.clock.advance(Span::from_secs(3_700));
    auction
}

/// Waits until so many auctions of a seller have ended, and with them what follows from that.
async fn ended(hub: &Hub, seller: &User, count: usize) {
    let path = format!("/api/auctions?status=ended&seller={}", seller.id);
    eventually(hub, &path, |list| list["items"].as_array().unwrap().len() == count).await;
}

async fn about(hub: &Hub, staff: &User, account: &User, query: &str) -> Vec<Value> {
    queue(hub, staff, &format!("account={}&{query}", account.id)).await
}

async fn a_shill_comes_into_the_queue_and_buyers_do_not(hub: &Hub) {
    let (seller, honest, buyer, shill) = (
        hub.sign_up("shill-seller").await,
        hub.sign_up("shill-other").await,
        hub.sign_up("shill-buyer").await,
        hub.sign_up("shill-shill").await,
    );
    let (loser, sam) = (hub.sign_up("shill-loser").await, moderator(hub, "shill-sam", "staff").await);
    for number in 1..=4 {
        round(hub, &seller, &buyer, &[&shill, &loser]).await;
        // Who loses as often, but bids with others as well, is no shill of this one.
        round(hub, &honest, &buyer, &[&loser]).await;
        ended(hub, &seller, number).await;
    }
    assert_eq!(about(hub, &sam, &shill, "kind=shill").await, Vec::<Value>::new(), "four auctions say nothing");
    let fifth = round(hub, &seller, &buyer, &[&shill, &loser]).await;
    ended(hub, &seller, 5).await;
    let found = about(hub, &sam, &shill, "kind=shill").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let item = &found[0];
    assert_eq!(
        json!([item["status"], item["times"], item["auction"]["id"], item["auction"]["seller"], item["comment"]]),
        json!(["open", 1, fifth, seller.id, null])
    );
    let expected = json!({"auctions": 5, "lost": 5, "score": 944, "keeping": 1000, "losing": 1000, "share": 444,
        "small": 1000, "early": 1000});
    assert_eq!(item["evidence"], expected);
    for innocent in [&buyer, &loser, &seller] {
        assert_eq!(about(hub, &sam, innocent, "kind=shill").await, Vec::<Value>::new());
    }

    // While it waits it is counted on; once it is decided, the next auction brings it anew.
    let sixth = round(hub, &seller, &buyer, &[&shill]).await;
    ended(hub, &seller, 6).await;
    let again = about(hub, &sam, &shill, "kind=shill").await;
    assert_eq!(
        json!([again.len(), again[0]["id"], again[0]["times"], again[0]["auction"]["id"]]),
        json!([1, item["id"], 2, sixth])
    );
    resolve(hub, &sam, &item["id"], "dismissed", "a keen collector").await.is(200);
    round(hub, &seller, &buyer, &[&shill]).await;
    ended(hub, &seller, 7).await;
    let all = about(hub, &sam, &shill, "kind=shill&order=asc").await;
    let told: Vec<_> = all.iter().map(|it| json!([it["status"], it["times"]])).collect();
    assert_eq!(told, [json!(["dismissed", 2]), json!(["open", 1])]);

    // However often the log is read, each auction is looked through once.
    let db = app::open_database(&hub.settings).await.unwrap();
    let position = "select position from projection_checkpoints where name = 'moderation'";
    let before = sql!(db.read(), scalar i64, position).unwrap();
    sql!(db.write(), exec, "update projection_checkpoints set position = 0 where name = 'moderation'").unwrap();
    round(hub, &honest, &buyer, &[]).await;
    ended(hub, &honest, 5).await;
    for _ in 0..400 {
        if sql!(db.read(), scalar i64, position).unwrap() > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(sql!(db.read(), scalar i64, position).unwrap() > before, "the log is read again");
    db.close().await;
    assert_eq!(about(hub, &sam, &shill, "kind=shill&order=asc").await, all);
}

async fn a_ring_comes_into_the_queue_and_rivals_do_not(hub: &Hub) {
    let (seller, buyer, sam) =
        (hub.sign_up("ring-seller").await, hub.sign_up("ring-buyer").await, moderator(hub, "ring-sam", "staff").await);
    let (one, two) = (hub.sign_up("ring-one").await, hub.sign_up("ring-two").await);
    let (left, right) = (hub.sign_up("ring-left").await, hub.sign_up("ring-right").await);
    for number in 1..=3 {
        round(hub, &seller, &buyer, &[&one, &two]).await;
        ended(hub, &seller, number).await;
    }
    assert_eq!(about(hub, &sam, &one, "kind=ring").await, Vec::<Value>::new(), "three auctions say nothing");
    let fourth = round(hub, &seller, &buyer, &[&one, &two]).await;
    ended(hub, &seller, 4).await;
    for (member, other) in [(&one, &two), (&two, &one)] {
        let found = about(hub, &sam, member, "kind=ring").await;
        assert_eq!(
            json!([found.len(), found[0]["auction"]["id"], found[0]["evidence"]]),
            json!([1, fourth, {"with": [other.id], "together": 4, "overlap": 1000}])
        );
    }
    // Two who bid against each other, and of whom one wins, are rivals.
    for number in 5..=10 {
        let (winner, loser) = if number % 2 == 0 { (&left, &right) } else { (&right, &left) };
        round(hub, &seller, winner, &[loser]).await;
        ended(hub, &seller, number).await;
    }
    for innocent in [&left, &right, &buyer] {
        assert_eq!(about(hub, &sam, innocent, "status=open").await, Vec::<Value>::new());
    }
}

stories! {
    a_shill_comes_into_the_queue_and_buyers_do_not
    a_ring_comes_into_the_queue_and_rivals_do_not
}
