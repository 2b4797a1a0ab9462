//! Sales as those live them who have nothing but the hub: money in, bids, the end, and what came of it.

use std::time::Duration;

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, desk_with, moderator, offer};
use crate::postgres::server::Server;

/// Runs `test` with a hub that takes 10 % of the buyer and 5 % of the seller, on SQLite and where it is installed on
/// PostgreSQL.
async fn on_both<F: Future<Output = Hub>>(test: impl Fn(Hub) -> F) {
    let start = async |url: Option<String>| {
        let fees = |settings: &mut bidhub::config::Settings| {
            (settings.money.premium_bp, settings.money.commission_bp) = (1_000, 500);
            settings.server.database_url = url.map(Into::into);
        };
        Hub::with(fees).await
    };
    test(start(None).await).await.stop().await;
    if let Some(server) = Server::start().await {
        test(start(Some(server.url())).await).await.stop().await;
    }
}

async fn deposit(hub: &Hub, who: &User, amount: i64) -> Answer {
    let key = format!("{}:{amount}", who.id);
    let request = hub.request(Method::POST, "/api/wallet/deposits").bearer_auth(&who.token);
    send(request.header("Idempotency-Key", key).json(&json!({"amount": amount, "currency": "USD"}))).await
}

/// Asks `path` as `who` until the answer fits.
async fn until(hub: &Hub, who: &User, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..400 {
        let answer = hub.get_as(&who.token, path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never came to what was expected: {:?}", hub.get_as(&who.token, path).await.body);
}

/// Waits until the wallet of `who` has so much available and held.
async fn has(hub: &Hub, who: &User, available: i64, held: i64) {
    let fits = |body: &Value| (&body["available"], &body["held"]) == (&json!(available), &json!(held));
    until(hub, who, "/api/wallet?currency=USD", fits).await;
}

/// Waits until `who` was told of so much money by this kind of notification.
async fn told(hub: &Hub, who: &User, kind: &str, amount: i64) {
    let fits = |body: &Value| {
        let mut items = body["items"].as_array().unwrap().iter();
        items.any(|item| (&item["kind"], &item["data"]["amount"]) == (&json!(kind), &json!(amount)))
    };
    until(hub, who, "/api/notifications", fits).await;
}

fn funded(members: Value) -> Value {
    let mut body = desk_with(json!({"funds": "required"}));
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn who_wins_pays_who_sells_is_paid_and_who_loses_has_it_back() {
    on_both(|hub| async move {
        let [seller, ada, ben, cleo] = [
            hub.sign_up("seller").await,
            hub.sign_up("ada").await,
            hub.sign_up("ben").await,
            hub.sign_up("cleo").await,
        ];
        let sam = moderator(&hub, "sam", "staff").await;
        for (who, amount) in [(&ada, 20_000), (&ben, 20_001)] {
            deposit(&hub, who, amount).await.is(201);
        }
        // Sold to Ben at a step above Ada's most.
        let sold = offer(&hub, &seller, funded(json!({}))).await;
        bid(&hub, &cleo, &sold, "c", json!({"max": 3000})).await.is_problem(409, "insufficient_funds");
        bid(&hub, &ada, &sold, "a", json!({"max": 3000})).await.is(201);
        bid(&hub, &ben, &sold, "b", json!({"max": 5000})).await.is(201);
        // Bought by Ada.
        let bought = offer(&hub, &seller, funded(json!({"buy_now": 4000}))).await;
        let path = format!("/api/auctions/{bought}/buy-now");
        send(hub.request(Method::POST, &path).bearer_auth(&ada.token).header("Idempotency-Key", "n")).await.is(201);
        // Stopped while Ada leads.
        let stopped = offer(&hub, &seller, funded(json!({}))).await;
        bid(&hub, &ada, &stopped, "s", json!({"max": 2000})).await.is(201);
        let because = json!({"reason": "a mistake"});
        hub.post_as(&sam.token, &format!("/api/staff/auctions/{stopped}/stop"), because.clone()).await.is(200);
        // Ada's once Ben's bid is void.
        let voided = offer(&hub, &seller, funded(json!({}))).await;
        bid(&hub, &ada, &voided, "v", json!({"max": 2000})).await.is(201);
        let high = bid(&hub, &ben, &voided, "w", json!({"max": 2500})).await;
        let seq = high.is(201).body["seq"].as_u64().unwrap();
        hub.post_as(&sam.token, &format!("/api/staff/auctions/{voided}/bids/{seq}/void"), because).await.is(200);
        hub.clock.advance(Span::from_secs(3_700));
        let bills = until(&hub, &seller, "/api/invoices", |body| body["items"].as_array().unwrap().len() == 3).await;
        let mut paid: Vec<_> = bills["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bill| {
                assert_eq!(bill["status"], "paid", "{bill}");
                (bill["auction"].clone(), bill["price"].as_i64().unwrap(), bill["buyer"]["display_name"].clone())
            })
            .collect();
        paid.sort_by_key(|(_, price, _)| *price);
        let expected = [(&voided, 1_000, "ada"), (&sold, 3_100, "ben"), (&bought, 4_000, "ada")];
        assert_eq!(paid, expected.map(|(auction, price, name)| (json!(auction), price, json!(name))));
        has(&hub, &seller, 950 + 2_945 + 3_800, 0).await;
        has(&hub, &ada, 20_000 - 4_400 - 1_100, 0).await;
        has(&hub, &ben, 20_001 - 3_410, 0).await;
        for (who, kind, amount) in [
            (&ben, "captured", 3_410),
            (&ben, "hold_released", 2_750),
            (&ada, "captured", 4_400),
            (&ada, "hold_released", 2_200),
            (&ada, "hold_released", 3_300),
            (&seller, "paid_out", 2_945),
        ] {
            told(&hub, who, kind, amount).await;
        }
        let strangers = hub.get_as(&cleo.token, "/api/invoices").await;
        assert_eq!(strangers.is(200).body["items"], json!([]));
        hub
    })
    .await;
}

#[tokio::test]
async fn a_winner_who_was_frozen_pays_when_staff_says_so() {
    on_both(|hub| async move {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let sam = moderator(&hub, "sam", "staff").await;
        deposit(&hub, &ada, 3_300).await.is(201);
        let auction = offer(&hub, &seller, funded(json!({}))).await;
        bid(&hub, &ada, &auction, "a", json!({"max": 2000})).await.is(201);
        let freeze = format!("/api/staff/users/{}/freeze", ada.id);
        hub.post_as(&sam.token, &freeze, json!({"reason": "a stolen card"})).await.is(204);
        hub.clock.advance(Span::from_secs(3_700));
        let open = "/api/staff/cases?status=open";
        let cases = until(&hub, &sam, open, |body| body["items"][0]["auction"] == json!(auction)).await;
        let case = &cases["items"][0];
        assert_eq!((&case["reason"], &case["amount"]), (&json!("account_frozen"), &json!(1_100)));
        has(&hub, &ada, 1_100, 2_200).await;
        assert_eq!(hub.get_as(&seller.token, "/api/invoices").await.body["items"][0]["status"], "open");
        let path = format!("/api/staff/cases/{}/resolve", case["id"].as_str().unwrap());
        hub.post_as(&sam.token, &path, json!({"action": "capture", "note": "the card was theirs"})).await.is(200);
        has(&hub, &ada, 2_200, 0).await;
        has(&hub, &seller, 950, 0).await;
        told(&hub, &ada, "captured", 1_100).await;
        assert_eq!(hub.get_as(&seller.token, "/api/invoices").await.body["items"][0]["status"], "paid");
        hub
    })
    .await;
}

#[tokio::test]
async fn a_wallet_takes_in_no_more_than_comes_back_to_it() {
    on_both(|hub| async move {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let sam = moderator(&hub, "sam", "staff").await;
        let all = (1 << 53) - 1;
        deposit(&hub, &ada, all - 1).await.is(201);
        let auction = offer(&hub, &seller, funded(json!({}))).await;
        bid(&hub, &ada, &auction, "a", json!({"max": 1_000_000})).await.is(201);
        // What is held would have no place to come back to.
        deposit(&hub, &ada, 1_000_000).await.is_problem(409, "wallet_full");
        deposit(&hub, &ada, 1).await.is(201);
        let stop = format!("/api/staff/auctions/{auction}/stop");
        hub.post_as(&sam.token, &stop, json!({"reason": "a mistake"})).await.is(200);
        has(&hub, &ada, all, 0).await;
        hub
    })
    .await;
}
