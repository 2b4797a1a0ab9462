//! The API describes itself, completely, and without anything from outside.

use std::collections::BTreeSet;

use crate::harness::Hub;

/// Every route that a client can call. A new one is added here when it is described.
const ROUTES: &[&str] = &[
    "delete /api/auctions/{id}",
    "delete /api/me/watchlist/{auction}",
    "get /api/activity",
    "delete /api/comments/{id}",
    "get /api/auctions",
    "get /api/auctions/{id}/activity",
    "get /api/auctions/{id}/viewers",
    "get /api/me/bids",
    "get /api/me/watchlist",
    "put /api/me/watchlist/{auction}",
    "get /api/auctions/{id}",
    "get /api/auctions/{id}/bids",
    "get /api/auctions/{id}/events",
    "get /api/auctions/{id}/log",
    "get /api/comments/{id}",
    "get /api/invoices",
    "get /api/invoices/{id}",
    "get /api/me",
    "get /api/search",
    "get /api/notifications",
    "get /api/notifications/preferences",
    "get /api/staff/audit",
    "get /api/staff/cases",
    "get /api/staff/cases/{id}",
    "get /api/staff/moderation",
    "get /api/staff/moderation/{id}",
    "get /api/staff/tickets",
    "get /api/tickets",
    "get /api/tickets/{id}",
    "get /api/time",
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "get /ws",
    "patch /api/auctions/{id}",
    "patch /api/staff/tickets/{id}",
    "post /api/auctions",
    "post /api/auctions/{id}/bids",
    "post /api/auctions/{id}/buy-now",
    "post /api/auctions/{id}/report",
    "post /api/auth/email-confirm",
    "post /api/auth/email-confirm/resend",
    "post /api/auth/login",
    "post /api/auth/logout",
    "post /api/auth/password",
    "post /api/auth/password-reset",
    "post /api/auth/password-reset/confirm",
    "post /api/auth/register",
    "post /api/comments",
    "post /api/comments/{id}/report",
    "post /api/notifications/read",
    "post /api/staff/auctions/{id}/bids/{seq}/void",
    "post /api/staff/auctions/{id}/pause",
    "post /api/staff/auctions/{id}/resume",
    "post /api/staff/auctions/{id}/stop",
    "post /api/staff/cases/{id}/resolve",
    "post /api/staff/moderation/{id}/resolve",
    "post /api/staff/users/{id}/ban",
    "post /api/staff/users/{id}/freeze",
    "post /api/staff/users/{id}/unban",
    "post /api/tickets",
    "post /api/tickets/{id}/close",
    "post /api/tickets/{id}/messages",
    "post /api/tickets/{id}/reopen",
    "get /api/wallet",
    "get /api/wallet/entries",
    "put /api/wallet/policy",
    "get /api/auctions/{id}/allowance",
    "put /api/auctions/{id}/allowance",
    "delete /api/auctions/{id}/allowance",
    "get /api/staff/users/{id}/wallet",
    "put /api/staff/users/{id}/limits",
    "post /api/wallet/deposits",
    "get /api/wallet/deposits",
    "post /api/wallet/withdrawals",
    "get /api/wallet/withdrawals",
    "get /api/wallet/payments/{id}",
    "post /api/wallet/payout-account",
    "post /api/payments/{provider}/webhook",
    "put /api/notifications/preferences",
    "post /api/staff/users/{id}/unfreeze",
];

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await;
    api.is(200);
    let mut described = BTreeSet::new();
    for (path, item) in api.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{method} {path}"));
            assert!(
                operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{method} {path} says what it does"
            );
            assert!(operation["tags"][0].is_string() && operation["responses"].is_object(), "{method} {path}");
            let method = method.to_uppercase().parse().unwrap();
            let answer = crate::harness::send(hub.request(method, path)).await;
            assert!(answer.status != 405 && answer.body["code"] != "not_found", "{path} is there: {answer:?}");
        }
    }
    let expected: BTreeSet<String> = ROUTES.iter().map(ToString::to_string).collect();
    assert_eq!(described, expected);
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    fn check(value: &serde_json::Value, api: &serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(target) if name == "$ref" => {
                    assert!(api.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                }
                _ => check(value, api),
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| check(item, api)),
            _ => {}
        }
    }
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await.body;
    assert!(api["components"]["schemas"]["Problem"].is_object());
    check(&api, &api);
}

#[tokio::test]
async fn the_pages_come_from_the_hub_alone() {
    let hub = Hub::start().await;
    let page = hub.get("/api/docs/").await;
    page.is(200);
    let html = page.body.as_str().unwrap();
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!target.contains("//"), "{target} is outside");
            hub.get(&format!("/api/docs/{}", target.trim_start_matches("./"))).await.is(200);
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "{html}");
    assert!(!html.contains("<style") && !html.contains("<script>"), "the policy of the page allows no inline script");
    let start = hub.get("/api/docs/swagger-initializer.js").await;
    let script = start.body.as_str().unwrap();
    assert!(script.contains("/api/openapi.json") && !script.contains("https://"), "{script}");
    assert!(script.contains("\"validatorUrl\": \"none\""), "{script}");
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
}
