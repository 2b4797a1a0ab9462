//! What tests of auctions share: an auction that fits, bids, and waiting for what happens by itself.

use std::time::Duration;

use bidhub::app;
use bidhub::features::accounts::user_add;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};

/// The steps of the tests: 5 below 100, then 100.
pub fn steps() -> Value {
    json!([{"from": 0, "step": 5}, {"from": 100, "step": 100}])
}

/// An auction that opens at once and ends an hour later.
pub fn desk() -> Value {
    json!({
        "title": "Walnut desk", "description": "About 1890.", "category": "furniture", "currency": "USD",
        "opening_price": 1000, "increments": steps(), "ends_at": "2026-11-20T10:30:00.000Z",
    })
}

/// `desk` with these members set.
pub fn desk_with(members: Value) -> Value {
    let mut body = desk();
    for (name, value) in members.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// Offers an auction and gives its id.
pub async fn offer(hub: &Hub, seller: &User, body: Value) -> String {
    let answer = hub.post_as(&seller.token, "/api/auctions", body).await;
    answer.is(201);
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// Someone with this role, given as an operator does it.
pub async fn moderator(hub: &Hub, name: &str, role: &str) -> User {
    let user = hub.sign_up(name).await;
    let db = app::open_database(&hub.settings).await.expect("the database opens beside the hub");
    let role = role.parse().expect("a role");
    let password = || Err(std::io::Error::other("the account is there already"));
    user_add(&db, hub.settings.password_cost, &user.email, None, &role, password).await.expect("the role is given");
    db.close().await;
    user
}

pub async fn bid(hub: &Hub, bidder: &User, auction: &str, key: &str, body: Value) -> Answer {
    let path = format!("/api/auctions/{auction}/bids");
    let request = hub.request(Method::POST, &path).bearer_auth(&bidder.token).header("Idempotency-Key", key);
    send(request.json(&body)).await
}

pub async fn read(hub: &Hub, auction: &str) -> Value {
    let answer = hub.get(&format!("/api/auctions/{auction}")).await;
    answer.is(200);
    answer.body
}

/// Asks `get` until `fits`, for what happens by itself.
pub async fn eventually(hub: &Hub, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let answer = hub.get(path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never came to what was expected: {:?}", hub.get(path).await.body);
}
