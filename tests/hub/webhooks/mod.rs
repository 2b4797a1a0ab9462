//! Webhooks: what owners ask for, what their endpoints are sent, and what comes of it, on both engines.

mod crash;
mod failures;
mod guard;
mod owners;
mod story;

use bidhub::config::{Settings, Switch};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{desk_with, eventually, offer};
use crate::postgres::server;

/// What lets a hub send to this machine.
fn open(settings: &mut Settings) {
    settings.webhooks.webhooks_allow_http = Switch::On;
    settings.webhooks.webhook_private_targets = Switch::On;
}

/// A hub of each engine that is there, with settings changed by `change`. What they stand on ends with the test.
async fn hubs(change: impl Fn(&mut Settings)) -> (Vec<Hub>, Option<server::Server>) {
    let mut hubs = vec![Hub::with(|settings| (open(settings), change(settings)).1).await];
    let server = server::Server::start().await;
    if let Some(server) = &server {
        let url = server.url();
        hubs.push(
            Hub::with(|settings| {
                settings.server.database_url = Some(url.into());
                open(settings);
                change(settings);
            })
            .await,
        );
    }
    (hubs, server)
}

/// An auction that lasts for weeks, so that its end is in nobody's way.
fn long_desk() -> Value {
    desk_with(json!({"ends_at": "2027-02-20T10:30:00.000Z"}))
}

/// An auction that lasts for weeks, open already.
async fn open_desk(hub: &Hub, seller: &User) -> String {
    let auction = offer(hub, seller, long_desk()).await;
    eventually(hub, &format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "open").await;
    auction
}

/// A new endpoint, and its secret.
async fn hook(hub: &Hub, owner: &User, body: Value) -> (String, String) {
    let answer = hub.post_as(&owner.token, "/api/webhooks", body).await;
    answer.is(201);
    let text = |name: &str| answer.body[name].as_str().expect("text").to_owned();
    (text("id"), text("secret"))
}

async fn patch(hub: &Hub, owner: &User, id: &str, body: Value) -> Answer {
    send(hub.request(Method::PATCH, &format!("/api/webhooks/{id}")).bearer_auth(&owner.token).json(&body)).await
}

async fn ask(hub: &Hub, owner: &User, id: &str, what: &str, body: Value) -> Answer {
    hub.post_as(&owner.token, &format!("/api/webhooks/{id}/{what}"), body).await
}

/// An endpoint as its owner sees it.
async fn read(hub: &Hub, owner: &User, id: &str) -> Value {
    let answer = hub.get_as(&owner.token, &format!("/api/webhooks/{id}")).await;
    answer.is(200);
    answer.body
}

/// The deliveries of an endpoint, once they fit.
async fn deliveries(hub: &Hub, owner: &User, id: &str, query: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let path = format!("/api/webhooks/{id}/deliveries?limit=200{query}");
    for _ in 0..400 {
        let answer = hub.get_as(&owner.token, &path).await;
        let items = answer.is(200).body["items"].as_array().expect("items").clone();
        if fits(&items) {
            return items;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{path} never came to what was expected: {:?}", hub.get_as(&owner.token, &path).await.body);
}
