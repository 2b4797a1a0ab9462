//! Search, asked as a client asks it, on both engines.

mod bounds;
mod lists;
mod words;

use std::future::Future;

use bidhub::domain::Span;
use serde_json::{Value, json};
use url::Url;

use crate::harness::{Answer, Hub, User, send};
use crate::market::{desk_with, eventually, offer};
use crate::postgres::server::Server;

/// Runs `test` on SQLite, and on PostgreSQL where it is installed.
pub async fn on_both<F: Future<Output = Hub>>(test: impl Fn(Hub) -> F) {
    test(Hub::start().await).await.stop().await;
    let Some(server) = Server::start().await else { return };
    test(Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await).await.stop().await;
}

/// Asks for these parameters, each as it is typed.
pub async fn search(hub: &Hub, query: &[(&str, &str)]) -> Answer {
    let url = Url::parse_with_params(&hub.url("/api/search"), query).unwrap();
    send(hub.client.get(url)).await
}

/// As [`search`], and as clients do again where the machine was too busy to answer in time.
pub async fn found(hub: &Hub, query: &[(&str, &str)]) -> Value {
    for _ in 0..20 {
        let answer = search(hub, query).await;
        if answer.body["code"] != "busy" {
            answer.is(200);
            return answer.body;
        }
    }
    panic!("{query:?} is never answered");
}

pub fn titles_of(body: &Value) -> Vec<&str> {
    body["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

pub async fn lot(hub: &Hub, seller: &User, title: &str, category: &str, description: &str) -> String {
    let body = desk_with(json!({"title": title, "category": category, "description": description}));
    offer(hub, seller, body).await
}

/// Waits until so many auctions can be found as open.
pub async fn indexed(hub: &Hub, count: usize) {
    eventually(hub, "/api/search?status=open", |body| body["total"]["count"] == count).await;
}

pub const WALNUT: &str = "Walnut writing desk";

pub const LAMP: &str = "Oak desk lamp";

pub const CHAIR: &str = "Chair";

pub const CLOCK: &str = "Réveil de voyage";

pub const TABLE: &str = "木製の机";

/// Five auctions, a minute apart.
pub async fn shop(hub: &Hub, seller: &User) -> Vec<String> {
    let mut ids = Vec::new();
    for (title, category, description) in [
        (WALNUT, "Furniture", "About 1890, with brass handles."),
        (LAMP, "Lighting", "A lamp for the writing table, walnut foot."),
        (CHAIR, "Furniture", "Made of walnut, fits a desk."),
        (CLOCK, "Clocks", "Étui en cuir, state-of-the-art of 1930."),
        (TABLE, "Furniture", ""),
    ] {
        ids.push(lot(hub, seller, title, category, description).await);
        hub.clock.advance(Span::from_secs(60));
    }
    indexed(hub, 5).await;
    ids
}
