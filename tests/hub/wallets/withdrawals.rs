//! Money that goes out by the provider that moves none.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use super::{People, allow, ask, done, entries, fund, funded, on_both, purse, sanction, told, until, wallet, withdraw};

#[tokio::test]
async fn what_is_available_goes_out_once_under_its_key() {
    on_both(
        |_| (),
        |hub| async move {
            let People { sella, ann, .. } = People::of(&hub).await;
            let nothing = withdraw(&hub, &ann, "w", 1).await;
            assert_eq!(nothing.is_problem(409, "insufficient_funds").body["available"], 0);
            fund(&hub, &ann, 10_000).await;
            let auction = funded(&hub, &sella).await;
            allow(&hub, &ann, &auction, 4_000).await.is(200);
            // What is held is not available.
            let refused = withdraw(&hub, &ann, "w", 6_001).await;
            assert_eq!(refused.is_problem(409, "insufficient_funds").body["available"], 6_000);
            let first = withdraw(&hub, &ann, "w", 2_500).await.is(201).body.clone();
            assert_eq!((&first["kind"], &first["status"]), (&json!("withdrawal"), &json!("paid")));
            assert_eq!(withdraw(&hub, &ann, "w", 2_500).await.is(201).body, first);
            withdraw(&hub, &ann, "w", 2_501).await.is_problem(409, "key_reused");
            assert_eq!(purse(&hub, &ann).await, (3_500, 4_000));
            // A deposit may have the same key: it is another thing.
            super::deposit(&hub, &ann, "w", 100).await.is(201);
            let without = (Method::POST, "/api/wallet/withdrawals");
            let body = Some(json!({"amount": 1}));
            ask(&hub, &ann, without, None, body).await.is_problem(400, "missing_idempotency_key");
            withdraw(&hub, &ann, "i", 0).await.is_problem(422, "invalid_amount");
            let list = hub.get_as(&ann.token, "/api/wallet/withdrawals").await;
            assert_eq!(list.is(200).body["items"], json!([first]));
            let kinds: Vec<String> = told(&hub, &ann).await.into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, ["deposit", "hold_raised", "withdrawal", "deposit"]);
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_not_paid_out_is_back_in_the_wallet() {
    on_both(
        |_| (),
        |hub| async move {
            let People { ann, .. } = People::of(&hub).await;
            fund(&hub, &ann, 10_000).await;
            for _ in 0..2 {
                let refused = withdraw(&hub, &ann, "declined", 1_002).await;
                assert_eq!(refused.is_problem(402, "payment_refused").body["reason"], "payout_declined");
                assert_eq!(purse(&hub, &ann).await, (10_000, 0));
            }
            let never = withdraw(&hub, &ann, "never", 1_006).await.is(201).body.clone();
            assert_eq!(never["status"], "open");
            let path = format!("/api/wallet/payments/{}", never["id"].as_str().unwrap());
            let under_way = wallet(&hub, &ann).await;
            assert_eq!((&under_way["available"], &under_way["withdrawing"]), (&json!(8_994), &json!(1_006)));
            hub.clock.advance(Span::from_secs(30));
            let failed = until(&hub, &ann, &path, |body| body["status"] == "failed").await;
            assert_eq!(failed["reason"], "account_closed");
            let back = wallet(&hub, &ann).await;
            assert_eq!((&back["available"], &back["withdrawing"]), (&json!(10_000), &json!(0)));
            let sum: i64 = entries(&hub, &ann).await.iter().map(|entry| entry["amount"].as_i64().unwrap()).sum();
            assert_eq!(sum, 10_000, "both sides of what moved within the wallet, and one of what came");
            let notes = told(&hub, &ann).await;
            assert_eq!(notes[1..], [1_002, 1_006].map(|amount| ("withdrawal_failed".to_owned(), json!(amount))));
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_withdrawal_whose_reply_is_lost_is_paid_once() {
    on_both(
        |_| (),
        |hub| async move {
            let People { ann, .. } = People::of(&hub).await;
            fund(&hub, &ann, 10_000).await;
            let lost = withdraw(&hub, &ann, "lost", 1_004).await.is(202).body.clone();
            let later = withdraw(&hub, &ann, "later", 1_005).await.is(201).body.clone();
            assert_eq!((&lost["status"], &later["status"]), (&json!("new"), &json!("open")));
            assert_eq!(withdraw(&hub, &ann, "lost", 1_004).await.is(202).body["id"], lost["id"]);
            assert_eq!(wallet(&hub, &ann).await["withdrawing"], 2_009);
            hub.clock.advance(Span::from_secs(30));
            for order in [lost, later] {
                let path = format!("/api/wallet/payments/{}", order["id"].as_str().unwrap());
                until(&hub, &ann, &path, |body: &Value| body["status"] == "paid").await;
            }
            let after = wallet(&hub, &ann).await;
            assert_eq!((&after["available"], &after["withdrawing"]), (&json!(7_991), &json!(0)));
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn who_is_frozen_takes_nothing_out_and_who_is_banned_may() {
    on_both(
        |_| (),
        |hub| async move {
            let People { ann, ben, sam, .. } = People::of(&hub).await;
            fund(&hub, &ann, 1_000).await;
            fund(&hub, &ben, 1_000).await;
            sanction(&hub, &sam, "freeze", &ann).await;
            sanction(&hub, &sam, "ban", &ben).await;
            withdraw(&hub, &ann, "w", 100).await.is_problem(403, "account_frozen");
            fund(&hub, &ann, 500).await;
            withdraw(&hub, &ben, "w", 100).await.is(201);
            super::deposit(&hub, &ben, "d", 100).await.is_problem(403, "banned");
            sanction(&hub, &sam, "unfreeze", &ann).await;
            withdraw(&hub, &ann, "w", 100).await.is(201);
            assert_eq!((purse(&hub, &ann).await, purse(&hub, &ben).await), ((1_400, 0), (900, 0)));
            done(hub).await;
        },
    )
    .await;
}
