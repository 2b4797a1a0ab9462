//! Who may do what with money: every endpoint for everyone, and the limits that staff sets.

use reqwest::Method;
use serde_json::{Value, json};

use super::{People, allow, ask, deposit, done, fees, fund, funded, on_both, purse, sanction, wallet};
use crate::harness::{Answer, Hub, User, send};
use crate::market::bid;

const NOBODY: &str = "01938b5e-0000-7000-8000-000000000000";

/// The status, and the code if there is one.
fn verdict(answer: &Answer) -> String {
    let status = answer.status.as_u16().to_string();
    answer.body["code"].as_str().map_or(status.clone(), |code| format!("{status} {code}"))
}

async fn anonymous(hub: &Hub, method: Method, path: &str, body: &Value) -> String {
    verdict(&send(hub.request(method, path).header("Idempotency-Key", "m").json(body)).await)
}

#[tokio::test]
async fn each_endpoint_is_for_whom_it_is_for() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let (bad, cold) = (hub.sign_up("bad").await, hub.sign_up("cold").await);
        let auction = funded(&hub, &sella).await;
        let order = deposit(&hub, &ann, "first", 10_000).await.is(201).body["id"].as_str().unwrap().to_owned();
        for who in [&ben, &sam, &bad, &cold] {
            fund(&hub, who, 5_000).await;
        }
        sanction(&hub, &sam, "ban", &bad).await;
        sanction(&hub, &sam, "freeze", &cold).await;

        let all = ["200"; 5];
        let payout = ["200", "200", "200", "200", "403 account_frozen"];
        let own_part = ["200", "200", "200", "403 banned", "403 account_frozen"];
        let moves_out = ["201", "201", "201", "201", "403 account_frozen"];
        let moves_in = ["201", "201", "201", "403 banned", "201"];
        let anns = ["200", "404 unknown_payment", "404 unknown_payment", "404 unknown_payment", "404 unknown_payment"];
        let staff = |done: &'static str| ["403 forbidden", "403 forbidden", done, "403 banned", "403 account_frozen"];
        let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
        let allowance = format!("/api/auctions/{auction}/allowance");
        let (payment, his) = (format!("/api/wallet/payments/{order}"), format!("/api/staff/users/{}", ben.id));
        let (of_ben, limits) = (format!("{his}/wallet"), format!("{his}/limits"));
        let (none, some) = (json!({}), json!({"amount": 1_000}));
        let because = json!({"reason": "looked into"});
        // By whom: Ann, Ben, staff, someone banned, someone frozen.
        let matrix: [(Method, &str, &Value, [&str; 5]); 14] = [
            (get.clone(), "/api/wallet", &none, all),
            (get.clone(), "/api/wallet/entries", &none, all),
            (get.clone(), "/api/wallet/deposits", &none, all),
            (get.clone(), "/api/wallet/withdrawals", &none, all),
            (get.clone(), &payment, &none, anns),
            (put.clone(), "/api/wallet/policy", &json!({"raise": "exact"}), all),
            (post.clone(), "/api/wallet/payout-account", &none, payout),
            (post.clone(), "/api/wallet/withdrawals", &some, moves_out),
            (post.clone(), "/api/wallet/deposits", &some, moves_in),
            (get.clone(), &allowance, &none, all),
            (put.clone(), &allowance, &some, own_part),
            (Method::DELETE, &allowance, &none, own_part),
            (get, &of_ben, &none, staff("200")),
            (put, &limits, &because, staff("204")),
        ];
        for (method, path, body, expected) in matrix {
            assert_eq!(anonymous(&hub, method.clone(), path, body).await, "401 unauthenticated", "{method} {path}");
            let mut found = Vec::new();
            for who in [&ann, &ben, &sam, &bad, &cold] {
                found.push(verdict(&ask(&hub, who, (method.clone(), path), Some("m"), Some(body.clone())).await));
            }
            assert_eq!(found, expected, "{method} {path}");
        }
        assert_eq!((purse(&hub, &bad).await, purse(&hub, &cold).await), ((4_000, 0), (6_000, 0)));
        done(hub).await;
    })
    .await;
}

async fn limit(hub: &Hub, who: &User, whom: &str, body: Value) -> Answer {
    ask(hub, who, (Method::PUT, &format!("/api/staff/users/{whom}/limits")), None, Some(body)).await
}

#[tokio::test]
async fn limits_of_staff_hold_for_one_wallet_and_stand_in_the_trail() {
    let change = |settings: &mut _| {
        fees(settings);
        settings.money.max_exposure = Some(50_000);
    };
    on_both(change, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        let set = json!({"max_exposure": 2_200, "daily_deposit_limit": 5_000, "reason": " new here "});
        limit(&hub, &sam, &ann.id, set.clone()).await.is(204);
        let trail = hub.get_as(&sam.token, "/api/staff/audit").await.is(200).body["items"][0].clone();
        assert_eq!((&trail["action"], &trail["reason"]), (&json!("set_limits"), &json!("new here")));
        assert_eq!((&trail["target_kind"], &trail["target"]), (&json!("user"), &json!(ann.id)));
        assert_eq!((&trail["actor"], trail["request_id"].is_string()), (&json!(sam.id), true));
        assert_eq!(wallet(&hub, &ann).await["limits"], json!({"max_exposure": 2_200, "daily_deposit_limit": 5_000}));
        assert_eq!(wallet(&hub, &ben).await["limits"], json!({"max_exposure": 50_000, "daily_deposit_limit": null}));
        deposit(&hub, &ann, "much", 5_001).await.is_problem(409, "deposit_limit");
        fund(&hub, &ann, 5_000).await;
        fund(&hub, &ben, 5_001).await;
        allow(&hub, &ann, &auction, 2_001).await.is_problem(409, "exposure_limit");
        allow(&hub, &ann, &auction, 2_000).await.is(200);
        bid(&hub, &ann, &auction, "b", json!({"max": 2_500})).await.is_problem(409, "insufficient_funds");

        limit(&hub, &sam, &ann.id, json!({"max_exposure": 0, "daily_deposit_limit": 0, "reason": "stop"}))
            .await
            .is(204);
        fund(&hub, &ann, 5_000).await;
        deposit(&hub, &ann, "any", 1).await.is_problem(409, "deposit_limit");
        allow(&hub, &ann, &auction, 2_001).await.is_problem(409, "exposure_limit");
        allow(&hub, &ann, &auction, 1_000).await.is(200);
        limit(&hub, &sam, &ann.id, json!({"reason": "as all"})).await.is(204);
        assert_eq!(wallet(&hub, &ann).await["limits"], json!({"max_exposure": 50_000, "daily_deposit_limit": null}));
        deposit(&hub, &ann, "any", 1).await.is(201);

        for (body, code) in [
            (json!({"max_exposure": -1, "reason": "x"}), "invalid_amount"),
            (json!({"daily_deposit_limit": 1_i64 << 53, "reason": "x"}), "invalid_amount"),
            (json!({"reason": " "}), "invalid_reason"),
            (json!({"reason": "x".repeat(501)}), "invalid_reason"),
            (json!({"reason": "x", "currency": "usd"}), "invalid_currency"),
        ] {
            limit(&hub, &sam, &ann.id, body).await.is_problem(422, code);
        }
        limit(&hub, &sam, NOBODY, set.clone()).await.is_problem(404, "unknown_user");
        limit(&hub, &ann, &ann.id, set).await.is_problem(403, "forbidden");
        let trail = hub.get_as(&sam.token, "/api/staff/audit").await.is(200).body["items"].clone();
        assert_eq!(trail.as_array().unwrap().len(), 3, "what was refused is no act: {trail}");
        hub.get_as(&sam.token, &format!("/api/staff/users/{NOBODY}/wallet")).await.is_problem(404, "unknown_user");
        done(hub).await;
    })
    .await;
}
