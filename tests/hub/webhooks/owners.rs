//! Who may do what with which endpoint, and how many.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, hook, hubs, open_desk, patch};
use crate::harness::{Hub, send};
use crate::market::moderator;
use crate::receiver::Receiver;

#[tokio::test]
async fn an_account_has_ten_endpoints_however_it_asks() {
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        let (seller, other) = (hub.sign_up("seller").await, hub.sign_up("other").await);
        let create = || hub.post_as(&seller.token, "/api/webhooks", json!({"url": "https://shop.example/"}));
        let answers = join_all((0..15).map(|_| create())).await;
        let made: Vec<&Value> = answers.iter().filter(|one| one.status == 201).map(|one| &one.body["id"]).collect();
        assert_eq!(made.len(), 10);
        answers.iter().filter(|one| one.status != 201).for_each(|one| {
            one.is_problem(409, "too_many_webhooks");
        });
        let list = hub.get_as(&seller.token, "/api/webhooks").await;
        assert_eq!(list.is(200).body["items"].as_array().unwrap().len(), 10);
        assert_eq!(hub.get_as(&other.token, "/api/webhooks").await.body, json!({"items": [], "next": null}));
        let path = format!("/api/webhooks/{}", made[0].as_str().unwrap());
        let delete = || send(hub.request(Method::DELETE, &path).bearer_auth(&seller.token));
        delete().await.is(204);
        delete().await.is_problem(404, "unknown_webhook");
        create().await.is(201);
        create().await.is_problem(409, "too_many_webhooks");
        hub.stop().await;
    }
}

#[tokio::test]
async fn an_endpoint_is_its_owners_alone() {
    let hub = Hub::with(super::open).await;
    let (seller, other, sam) =
        (hub.sign_up("seller").await, hub.sign_up("other").await, moderator(&hub, "sam", "staff").await);
    let endpoint = Receiver::start().await;
    let auction = open_desk(&hub, &seller).await;
    let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url, "auction": auction})).await;
    let test = ask(&hub, &seller, &id, "test", json!({})).await.is(202).body["id"].clone();
    let path = format!("/api/webhooks/{id}");
    let calls = [
        (Method::GET, path.clone(), json!(null)),
        (Method::PATCH, path.clone(), json!({"enabled": false})),
        (Method::DELETE, path.clone(), json!(null)),
        (Method::GET, format!("{path}/deliveries"), json!(null)),
        (Method::POST, format!("{path}/rotate"), json!({})),
        (Method::POST, format!("{path}/test"), json!({})),
        (Method::POST, format!("{path}/replay"), json!({"auction": auction})),
        (Method::POST, format!("{path}/deliveries/{test}/retry"), json!({})),
    ];
    let call = |token: Option<&str>, (method, path, body): &(Method, String, Value)| {
        let request = hub.request(method.clone(), path);
        let request = if body.is_null() { request } else { request.json(body) };
        send(token.into_iter().fold(request, |request, token| request.bearer_auth(token)))
    };
    for asked in &calls {
        call(None, asked).await.is_problem(401, "unauthenticated");
        for token in [&other.token, &sam.token] {
            call(Some(token), asked).await.is_problem(404, "unknown_webhook");
        }
    }
    hub.post("/api/webhooks", json!({"url": endpoint.url})).await.is_problem(401, "unauthenticated");
    hub.get("/api/webhooks").await.is_problem(401, "unauthenticated");
    // Nobody hears more of another's auction than everyone may read.
    let foreign = json!({"url": endpoint.url, "auction": auction});
    hub.post_as(&other.token, "/api/webhooks", foreign).await.is_problem(403, "forbidden");
    let (own, _) = hook(&hub, &other, json!({"url": endpoint.url})).await;
    patch(&hub, &other, &own, json!({"auction": auction})).await.is_problem(403, "forbidden");
    ask(&hub, &other, &own, "replay", json!({"auction": auction})).await.is_problem(403, "forbidden");
    ask(&hub, &other, &own, &format!("deliveries/{test}/retry"), json!({})).await.is_problem(404, "unknown_delivery");
    let nothing = "01938b5e-0000-7000-8000-000000000000";
    ask(&hub, &other, &own, "replay", json!({"auction": nothing})).await.is_problem(404, "unknown_auction");
    for id in [nothing, "x"] {
        hub.get_as(&seller.token, &format!("/api/webhooks/{id}")).await.is_problem(404, "unknown_webhook");
    }
    ask(&hub, &seller, &id, "deliveries/x/retry", json!({})).await.is_problem(404, "unknown_delivery");

    hub.post_as(&sam.token, &format!("/api/staff/users/{}/ban", seller.id), json!({"reason": "spam"})).await.is(204);
    for asked in &calls {
        match asked.0 {
            Method::GET => call(Some(&seller.token), asked).await.is(200),
            _ => call(Some(&seller.token), asked).await.is_problem(403, "banned"),
        };
    }
    hub.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let hub = Hub::with(super::open).await;
    let seller = hub.sign_up("seller").await;
    let url = "https://shop.example/";
    for (body, code, field) in [
        (json!({}), "missing_field", "url"),
        (json!({"url": url, "secret": "mine"}), "unknown_field", "secret"),
        (json!({"url": 7}), "invalid_field", "url"),
        (json!({"url": "shop.example"}), "invalid_url", "url"),
        (json!({"url": url, "events": ["bid", "sneeze"]}), "invalid_field", "events"),
        (json!({"url": url, "events": []}), "invalid_field", "events"),
        (json!({"url": url, "auction": "x"}), "invalid_field", "auction"),
        (json!({"url": url, "description": "a\nb"}), "invalid_field", "description"),
    ] {
        let answer = hub.post_as(&seller.token, "/api/webhooks", body).await;
        assert_eq!(answer.is_problem(422, code).body["field"], field);
    }
    let (id, _) = hook(&hub, &seller, json!({"url": url})).await;
    let path = format!("/api/webhooks/{id}/deliveries");
    for query in ["status=lost", "limit=0", "cursor=x", "colour=red"] {
        assert_eq!(hub.get_as(&seller.token, &format!("{path}?{query}")).await.status, 422, "{query}");
    }
    patch(&hub, &seller, &id, json!({"url": null, "enabled": null})).await.is(200);
    hub.stop().await;
}
