//! The watchlist: put on, taken off, bounded, seen by its owner alone.

use bidhub::app;
use bidhub::clock::to_datetime;
use bidhub::domain::Span;
use bidhub::features::stakes::WATCHED_MAX;
use bidhub::sql;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Hub, User, send};
use crate::market::bid;
use crate::notices::{desk_for, until, watch};
use crate::stories::stories;

async fn put(hub: &Hub, who: &User, auction: &str) -> Answer {
    send(hub.request(Method::PUT, &format!("/api/me/watchlist/{auction}")).bearer_auth(&who.token)).await
}

async fn delete(hub: &Hub, who: &User, auction: &str) -> Answer {
    send(hub.request(Method::DELETE, &format!("/api/me/watchlist/{auction}")).bearer_auth(&who.token)).await
}

async fn list(hub: &Hub, who: &User, query: &str) -> Value {
    hub.get_as(&who.token, &format!("/api/me/watchlist{query}")).await.is(200).body.clone()
}

fn auctions(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().iter().map(|item| item["auction"].clone()).collect()
}

async fn an_auction_is_watched_until_it_is_taken_off(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("watch-seller").await, hub.sign_up("watch-ada").await, hub.sign_up("watch-ben").await);
    let mut all = Vec::new();
    for number in 0..3 {
        let auction = desk_for(hub, &seller, 3_600, json!({"title": format!("Lot {number}")})).await;
        for _ in 0..2 {
            put(hub, &ada, &auction).await.is(204);
        }
        hub.clock.advance(Span::from_secs(1));
        all.insert(0, json!(auction));
    }
    let whole = until(hub, &ada, "/api/me/watchlist", |body| body["items"][0]["status"] == "open").await;
    assert_eq!(auctions(&whole), all, "what was put there last comes first");
    let first = &whole["items"][0];
    assert_eq!(
        first,
        &json!({"auction": all[0], "watched_at": first["watched_at"], "standing": null, "title": "Lot 2",
            "image_url": null, "currency": "USD", "price": null, "minimum_bid": 1000, "bid_count": 0, "status": "open",
            "ends_at": first["ends_at"], "outcome": null})
    );
    let page = list(hub, &ada, "?limit=2").await;
    let rest = list(hub, &ada, &format!("?limit=2&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!([auctions(&page), auctions(&rest)].concat(), all);
    assert_eq!(auctions(&list(hub, &ben, "").await), [json!(null); 0]);
    let own = all[0].as_str().unwrap();
    bid(hub, &ada, own, "a", json!({"amount": 1000})).await.is(201);
    until(hub, &ada, "/api/me/watchlist", |body| {
        body["items"][0]["standing"] == "leading" && body["items"][0]["price"] == 1000
    })
    .await;
    for _ in 0..2 {
        delete(hub, &ada, own).await.is(204);
        delete(hub, &ben, own).await.is(204);
    }
    assert_eq!(auctions(&list(hub, &ada, "").await), all[1..]);
    for gone in ["01938b5e-0000-7000-8000-000000000000", "desk"] {
        put(hub, &ada, gone).await.is_problem(404, "unknown_auction");
    }
    delete(hub, &ada, "desk").await.is_problem(404, "unknown_auction");
    for (method, path) in
        [(Method::GET, String::new()), (Method::PUT, format!("/{own}")), (Method::DELETE, format!("/{own}"))]
    {
        send(hub.request(method, &format!("/api/me/watchlist{path}"))).await.is_problem(401, "unauthenticated");
    }
    hub.get_as(&ada.token, "/api/me/watchlist?standing=won").await.is_problem(422, "unknown_field");
}

async fn a_list_takes_so_many_and_no_more_whoever_asks_at_once(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("full-seller").await, hub.sign_up("full-ada").await);
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(desk_for(hub, &seller, 3_600, json!({})).await);
    }
    let db = app::open_database(&hub.settings).await.unwrap();
    let text = "insert into watchlist (account, auction, at, told_until) values ($1, $2, $3, $3)";
    let (account, at): (Uuid, _) = (ada.id.parse().unwrap(), to_datetime(hub.clock.now()));
    for number in 1..WATCHED_MAX {
        let other = Uuid::from_u128(number.unsigned_abs().into());
        sql!(db.write(), exec, text, account, other, at).unwrap();
    }
    let answers = join_all(all.iter().map(|auction| put(hub, &ada, auction))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409, 409]);
    let taken = answers.iter().position(|answer| answer.status == 204).unwrap();
    put(hub, &ada, &all[taken]).await.is(204);
    put(hub, &ada, &all[(taken + 1) % 4]).await.is_problem(409, "watchlist_full");
    delete(hub, &ada, &all[taken]).await.is(204);
    watch(hub, &ada, &all[(taken + 1) % 4]).await;
    db.close().await;
}

stories! {
    an_auction_is_watched_until_it_is_taken_off
    a_list_takes_so_many_and_no_more_whoever_asks_at_once
}
