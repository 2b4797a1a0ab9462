//! The same hub on PostgreSQL: each statement of each store is asked for at least once, and the answers are those of SQLite.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Hub, PASSWORD, send};
use crate::market::{bid, desk, eventually, moderator, offer, read};

#[path = "../support/postgres.rs"]
pub mod server;

/// A day at the hub: what was asked, and what came of it.
async fn a_day(hub: &Hub) -> Vec<Value> {
    let mut told = Vec::new();
    let (seller, ada, ben) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("ben").await);
    let sam = moderator(hub, "sam", "admin").await;
    let again = json!({"email": ada.email, "password": PASSWORD, "display_name": "twice"});
    hub.post("/api/auth/register", again).await.is_problem(409, "email_taken");
    let ada_again = hub.login(&ada.email, PASSWORD).await;
    ada_again.is(200);
    hub.post_as(&ada.token, "/api/auth/password", json!({"current": PASSWORD, "new": "another long one"}))
        .await
        .is(204);
    hub.get_as(ada_again.body["token"].as_str().unwrap(), "/api/me").await.is_problem(401, "unauthenticated");
    hub.post("/api/auth/password-reset", json!({"email": ada.email})).await.is(202);

    let auction = offer(hub, &seller, desk()).await;
    let path = format!("/api/auctions/{auction}");
    let patch = hub
        .request(Method::PATCH, &path)
        .bearer_auth(&seller.token)
        .json(&json!({"title": "Oak desk", "reserve": 2000}));
    send(patch).await.is(200);
    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    bid(hub, &ben, &auction, "b", json!({"amount": 2500})).await.is(201);
    bid(hub, &ben, &auction, "b", json!({"amount": 2500})).await.is(201);
    bid(hub, &ben, &auction, "c", json!({"amount": 1})).await.is_problem(409, "bid_too_low");
    let because = json!({"reason": "a mistake"});
    hub.post_as(&sam.token, &format!("/api/staff/auctions/{auction}/pause"), because.clone()).await.is(200);
    hub.post_as(&sam.token, &format!("/api/staff/auctions/{auction}/resume"), json!({})).await.is(200);
    let history = hub.get(&format!("{path}/bids?order=asc")).await;
    told.push(history.is(200).body["items"].clone());
    let last = history.body["items"][1]["seq"].clone();
    hub.post_as(&sam.token, &format!("/api/staff/auctions/{auction}/bids/{last}/void"), because.clone()).await.is(200);
    hub.post_as(&sam.token, &format!("/api/staff/users/{}/ban", ben.id), because).await.is(204);
    for query in ["", "?status=open&sort=-price", "?category=furniture&ends_before=2027-01-01T00:00:00.000Z&limit=1"] {
        let list = hub.get(&format!("/api/auctions{query}")).await;
        told.push(list.is(200).body["items"].as_array().unwrap().iter().map(|one| one["title"].clone()).collect());
    }
    told.push(read(hub, &auction).await["state"].clone());
    hub.clock.advance(Span::from_secs(3_700));
    let ended = eventually(hub, "/api/auctions?status=ended", |body| body["items"][0]["outcome"] == "sold").await;
    let row = &ended["items"][0];
    told.push(json!([row["price"], row["winner"], row["bid_count"], row["ends_at"], row["premium_bp"]]));
    let bids = hub.get(&format!("{path}/bids")).await;
    told.push(bids.body["items"].clone());
    let events = hub.get(&format!("{path}/events?limit=200")).await;
    told.push(events.is(200).body["items"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect());
    let audit = hub.get_as(&sam.token, "/api/staff/audit").await;
    told.push(
        audit.is(200).body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!([one["action"], one["reason"]]))
            .collect(),
    );
    hub.get("/readyz").await.is(200);
    told
}

#[tokio::test]
async fn a_day_on_postgresql_is_a_day_on_sqlite() {
    let Some(server) = server::Server::start().await else { return };
    let postgres = Hub::with(|settings| {
        settings.server.database_url = Some(server.url().into());
        settings.money.premium_bp = 250;
    })
    .await;
    let sqlite = Hub::with(|settings| settings.money.premium_bp = 250).await;
    let told = a_day(&postgres).await;
    assert_eq!(told, a_day(&sqlite).await);
    assert_eq!(told[0][1]["amount"], 2500, "{told:?}");
    postgres.stop().await;
    sqlite.stop().await;
}

#[tokio::test]
async fn a_sign_that_no_text_can_hold_is_refused_in_every_query() {
    let Some(server) = server::Server::start().await else { return };
    let postgres = Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await;
    for hub in [postgres, Hub::start().await] {
        let ada = hub.sign_up("ada").await;
        for (query, field) in [
            ("auctions?category=%00", "category"),
            ("auctions?limit=1&category=a%00b", "category"),
            ("auctions?status=%00", "status"),
            ("notifications?kind=%00", "kind"),
            ("search?q=desk%00", "q"),
            ("search?author=%00", "author"),
            ("search?cursor=%00", "cursor"),
        ] {
            let answer = hub.get_as(&ada.token, &format!("/api/{query}")).await;
            assert_eq!(answer.is_problem(422, "invalid_query").body["field"], field, "{query}");
        }
        // What merely looks like it is a text as any other.
        hub.get("/api/auctions?category=%2500").await.is(200);
        let email = json!({"email": "ada\u{0}@bidders.example", "password": PASSWORD});
        assert!(hub.post("/api/auth/login", email).await.status.is_client_error());
        hub.stop().await;
    }
}
