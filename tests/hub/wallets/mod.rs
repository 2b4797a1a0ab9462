//! Wallets, asked from outside: each story on SQLite, and on PostgreSQL where it is installed. At the end of each the books
//! are right.

mod allowances;
mod bids;
mod books;
mod deposits;
mod endings;
mod limits;
mod stripe;
mod withdrawals;

#[allow(dead_code, reason = "its faults are for tests of the adapter")]
#[path = "../../support/stripe/mod.rs"]
mod stand_in;

use std::time::Duration;

use bidhub::config::Settings;
use bidhub::programs::check_books;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{desk_with, moderator, offer};
use crate::postgres::server::Server;

/// Runs `test` on a hub with settings changed by `change`, on each engine.
async fn on_both<F: Future<Output = ()>>(change: impl Fn(&mut Settings), test: impl Fn(Hub) -> F) {
    test(Hub::with(&change).await).await;
    if let Some(server) = Server::start().await {
        let on_postgres = |settings: &mut Settings| {
            settings.server.database_url = Some(server.url().into());
            change(settings);
        };
        test(Hub::with(on_postgres).await).await;
    }
}

/// The buyer's premium of 10 % and the commission of 5 %.
fn fees(settings: &mut Settings) {
    settings.money.premium_bp = 1_000;
    settings.money.commission_bp = 500;
}

/// Ends the hub with its books right, also beside its logs.
async fn done(hub: Hub) {
    let (findings, _) = check_books::look(&hub.settings).await.unwrap();
    for finding in findings {
        assert_eq!(finding.broken, 0, "{finding:?}");
    }
    hub.stop().await;
}

/// A hub's people: a seller, two bidders and staff.
struct People {
    sella: User,
    ann: User,
    ben: User,
    sam: User,
}

impl People {
    async fn of(hub: &Hub) -> Self {
        let [sella, ann, ben] = [hub.sign_up("sella").await, hub.sign_up("ann").await, hub.sign_up("ben").await];
        Self { sella, ann, ben, sam: moderator(hub, "sam", "staff").await }
    }
}

/// Asks as `who`, under a key if there is one.
async fn ask(hub: &Hub, who: &User, what: (Method, &str), key: Option<&str>, body: Option<Value>) -> Answer {
    let (method, path) = what;
    let request = hub.request(method, path).bearer_auth(&who.token);
    let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
    send(body.iter().fold(request, |request, body| request.json(body))).await
}

async fn deposit(hub: &Hub, who: &User, key: &str, amount: i64) -> Answer {
    deposit_of(hub, who, key, json!({"amount": amount})).await
}

async fn deposit_of(hub: &Hub, who: &User, key: &str, body: Value) -> Answer {
    ask(hub, who, (Method::POST, "/api/wallet/deposits"), Some(key), Some(body)).await
}

async fn withdraw(hub: &Hub, who: &User, key: &str, amount: i64) -> Answer {
    let body = json!({"amount": amount});
    ask(hub, who, (Method::POST, "/api/wallet/withdrawals"), Some(key), Some(body)).await
}

/// Puts so much into a wallet, under a key of its amount.
async fn fund(hub: &Hub, who: &User, amount: i64) {
    deposit(hub, who, &format!("fund-{amount}"), amount).await.is(201);
}

async fn wallet(hub: &Hub, who: &User) -> Value {
    hub.get_as(&who.token, "/api/wallet").await.is(200).body.clone()
}

/// What is available and held.
async fn purse(hub: &Hub, who: &User) -> (i64, i64) {
    let wallet = wallet(hub, who).await;
    let (available, held) = (wallet["available"].as_i64().unwrap(), wallet["held"].as_i64().unwrap());
    assert_eq!(wallet["balance"], available + held);
    (available, held)
}

/// All entries of the usual wallet, newest first.
async fn entries(hub: &Hub, who: &User) -> Vec<Value> {
    let list = hub.get_as(&who.token, "/api/wallet/entries?limit=200").await;
    list.is(200).body["items"].as_array().unwrap().clone()
}

/// How often money was set aside.
async fn holds(hub: &Hub, who: &User) -> usize {
    let fits = |entry: &&Value| entry["kind"] == "hold" && entry["account"] == "held";
    entries(hub, who).await.iter().filter(fits).count()
}

/// The kinds and amounts of what somebody was told, but for how races went, oldest first.
async fn told(hub: &Hub, who: &User) -> Vec<(String, Value)> {
    let list = hub.get_as(&who.token, "/api/notifications?limit=200").await;
    let items = list.is(200).body["items"].as_array().unwrap().clone();
    let read = |item: &Value| (item["kind"].as_str().unwrap().to_owned(), item["data"]["amount"].clone());
    let of_races = ["outbid", "winning", "won", "lost", "sold", "unsold", "bid_voided", "auction_stopped"];
    items.iter().rev().map(read).filter(|(kind, _)| !of_races.contains(&kind.as_str())).collect()
}

/// Asks `get` as `who` until the answer fits.
async fn until(hub: &Hub, who: &User, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1_000 {
        let answer = hub.get_as(&who.token, path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        last = answer.body;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never came to what was expected: {last}");
}

/// Offers a desk in which money must be set aside.
async fn funded(hub: &Hub, seller: &User) -> String {
    funded_with(hub, seller, json!({})).await
}

async fn funded_with(hub: &Hub, seller: &User, mut members: Value) -> String {
    members["funds"] = "required".into();
    offer(hub, seller, desk_with(members)).await
}

fn allowance_path(auction: &str) -> String {
    format!("/api/auctions/{auction}/allowance")
}

/// Sets an allowance.
async fn allow(hub: &Hub, who: &User, auction: &str, amount: i64) -> Answer {
    ask(hub, who, (Method::PUT, &allowance_path(auction)), None, Some(json!({"amount": amount}))).await
}

/// Takes an allowance back.
async fn disallow(hub: &Hub, who: &User, auction: &str) -> Answer {
    ask(hub, who, (Method::DELETE, &allowance_path(auction)), None, None).await
}

/// Has staff freeze or unfreeze an account.
async fn sanction(hub: &Hub, staff: &User, verb: &str, whom: &User) {
    let path = format!("/api/staff/users/{}/{verb}", whom.id);
    hub.post_as(&staff.token, &path, json!({"reason": "looked into"})).await.is(204);
}
