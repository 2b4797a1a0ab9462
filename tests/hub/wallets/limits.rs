//! The limits that staff sets.

use reqwest::Method;
use serde_json::{Value, json};

use super::{People, allow, ask, deposit, done, fees, fund, funded, on_both, wallet};
use crate::harness::{Answer, Hub, User};
use crate::market::bid;

const NOBODY: &str = "01938b5e-0000-7000-8000-000000000000";

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
