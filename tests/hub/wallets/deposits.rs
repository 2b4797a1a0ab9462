//! Money that comes in by the provider that moves none.

use bidhub::domain::{Money, Span};
use reqwest::Method;
use serde_json::{Value, json};

use super::{People, ask, deposit, deposit_of, done, entries, fund, on_both, purse, told, until, wallet};
use crate::harness::Hub;

#[tokio::test]
async fn a_deposit_is_credited_once_under_its_key() {
    on_both(
        |_| (),
        |hub| async move {
            let (ann, ben) = (hub.sign_up("ann").await, hub.sign_up("ben").await);
            let first = deposit(&hub, &ann, "k", 50_000).await.is(201).body.clone();
            assert_eq!((&first["kind"], &first["status"]), (&json!("deposit"), &json!("paid")));
            assert_eq!((&first["currency"], &first["amount"]), (&json!("USD"), &json!(50_000)));
            assert_eq!((&first["provider"], &first["url"]), (&json!("test"), &Value::Null));
            assert_eq!(
                (&first["created_at"], &first["settled_at"]),
                (&json!("2026-11-20T09:30:00.000Z"), &first["created_at"])
            );
            assert_eq!(deposit(&hub, &ann, "k", 50_000).await.is(201).body, first);
            let explicit = deposit_of(&hub, &ann, "k", json!({"amount": 50_000, "currency": "USD"})).await;
            assert_eq!(explicit.is(201).body, first);
            deposit(&hub, &ann, "k", 50_001).await.is_problem(409, "key_reused");
            deposit_of(&hub, &ann, "k", json!({"amount": 50_000, "currency": "EUR"}))
                .await
                .is_problem(409, "key_reused");
            deposit(&hub, &ben, "k", 700).await.is(201);
            assert_eq!((purse(&hub, &ann).await, purse(&hub, &ben).await), ((50_000, 0), (700, 0)));
            let path = format!("/api/wallet/payments/{}", first["id"].as_str().unwrap());
            assert_eq!(hub.get_as(&ann.token, &path).await.is(200).body, first);
            hub.get_as(&ben.token, &path).await.is_problem(404, "unknown_payment");
            hub.get_as(&ann.token, "/api/wallet/payments/1").await.is_problem(404, "unknown_payment");
            let list = hub.get_as(&ann.token, "/api/wallet/deposits").await;
            assert_eq!(list.is(200).body["items"], json!([first]));
            assert_eq!(hub.get_as(&ann.token, "/api/wallet/withdrawals").await.is(200).body["items"], json!([]));
            assert_eq!(told(&hub, &ann).await, [("deposit".into(), json!(50_000))]);
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_same_deposit_sent_many_times_at_once_is_one() {
    on_both(
        |_| (),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            let copies: Vec<_> = (0..6).map(|_| deposit(&hub, &ann, "k", 900)).collect();
            let answers = futures_util::future::join_all(copies).await;
            for answer in &answers {
                assert!([201, 202].contains(&answer.status.as_u16()), "{answer:?}");
                assert_eq!(answer.body["id"], answers[0].body["id"]);
            }
            assert_eq!((purse(&hub, &ann).await, entries(&hub, &ann).await.len()), ((900, 0), 1));
            assert_eq!(told(&hub, &ann).await.len(), 1);
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn what_the_provider_refuses_loses_or_does_later_is_never_forgotten() {
    on_both(
        |_| (),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            for _ in 0..2 {
                let refused = deposit(&hub, &ann, "declined", 1_002).await;
                assert_eq!(refused.is_problem(402, "payment_refused").body["reason"], "card_declined");
            }
            assert_eq!(wallet(&hub, &ann).await["available"], 0);
            let lost = deposit(&hub, &ann, "lost", 1_004).await.is(202).body.clone();
            assert_eq!((&lost["status"], &lost["settled_at"]), (&json!("new"), &Value::Null));
            let later = deposit(&hub, &ann, "later", 1_005).await.is(201).body.clone();
            assert_eq!((&later["status"], later["url"].is_string()), (&json!("open"), true));
            let never = deposit(&hub, &ann, "never", 1_006).await.is(201).body.clone();
            let status = |status: &'static str| move |body: &Value| body["status"] == status;
            let path = |order: &Value| format!("/api/wallet/payments/{}", order["id"].as_str().unwrap());
            assert_eq!(purse(&hub, &ann).await, (0, 0));
            hub.clock.advance(Span::from_secs(6));
            until(&hub, &ann, &path(&lost), status("paid")).await;
            assert_eq!(deposit(&hub, &ann, "lost", 1_004).await.is(201).body["status"], "paid");
            hub.clock.advance(Span::from_secs(30));
            until(&hub, &ann, &path(&later), status("paid")).await;
            let expired = until(&hub, &ann, &path(&never), status("failed")).await;
            assert_eq!(expired["reason"], "expired");
            deposit(&hub, &ann, "never", 1_006).await.is_problem(402, "payment_refused");
            assert_eq!(purse(&hub, &ann).await, (2_009, 0));
            let mut notes = told(&hub, &ann).await;
            notes.sort_by_key(|(kind, amount)| (kind.clone(), amount.as_i64()));
            let expected =
                [("deposit", 1_004), ("deposit", 1_005), ("deposit_failed", 1_002), ("deposit_failed", 1_006)];
            assert_eq!(notes, expected.map(|(kind, amount)| (kind.to_owned(), json!(amount))));
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn one_key_is_not_for_two_currencies_even_at_once() {
    on_both(
        |_| (),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            for turn in 0..5 {
                let key = format!("k{turn}");
                let of = |currency| deposit_of(&hub, &ann, &key, json!({"amount": 1_000, "currency": currency}));
                let (dollars, euros) = tokio::join!(of("USD"), of("EUR"));
                let codes = [dollars, euros].map(|answer| (answer.status.as_u16(), answer.body["code"].clone()));
                assert!(
                    codes.contains(&(201, Value::Null)) && codes.contains(&(409, json!("key_reused"))),
                    "{codes:?}"
                );
            }
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn what_was_paid_and_has_no_place_is_left_to_staff() {
    on_both(
        |_| (),
        |hub| async move {
            let People { ann, sam, .. } = People::of(&hub).await;
            // Each has its place when it is asked for; together they have none.
            let most = Money::MAX.minor_units() / 100 * 100 + 5 - 100;
            let later = deposit(&hub, &ann, "later", most).await.is(201).body.clone();
            deposit(&hub, &ann, "now", 1_000).await.is(201);
            hub.clock.advance(Span::from_secs(30));
            let path = format!("/api/wallet/payments/{}", later["id"].as_str().unwrap());
            let failed = until(&hub, &ann, &path, |body| body["status"] == "failed").await;
            assert_eq!(failed["reason"], "wallet_full");
            assert_eq!(purse(&hub, &ann).await, (1_000, 0));
            let cases = hub.get_as(&sam.token, "/api/staff/cases?kind=not_credited").await;
            let items = cases.is(200).body["items"].as_array().unwrap().clone();
            let [case] = &items[..] else { panic!("one case: {items:?}") };
            let seen = (&case["account"], &case["amount"], &case["currency"], &case["reason"]);
            assert_eq!(seen, (&json!(ann.id), &json!(most), &json!("USD"), &json!("wallet_full")));
            let close = json!({"action": "close", "note": "given back by hand"});
            let path = format!("/api/staff/cases/{}/resolve", case["id"].as_str().unwrap());
            hub.post_as(&sam.token, &path, close).await.is(200);
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_no_deposit_is_refused() {
    let hub = Hub::start().await;
    let ann = hub.sign_up("ann").await;
    let to = (Method::POST, "/api/wallet/deposits");
    let body = json!({"amount": 100});
    ask(&hub, &ann, to.clone(), None, Some(body.clone())).await.is_problem(400, "missing_idempotency_key");
    ask(&hub, &ann, to.clone(), Some("k k"), Some(body)).await.is_problem(400, "invalid_idempotency_key");
    for amount in [0, -1, 1 << 53, i64::MIN] {
        let refused = deposit(&hub, &ann, "k", amount).await;
        assert_eq!(refused.is_problem(422, "invalid_amount").body["field"], "amount", "{amount}");
    }
    for currency in ["usd", "XXX", "XAU", "US", "", "ABC"] {
        let refused = deposit_of(&hub, &ann, "k", json!({"amount": 100, "currency": currency})).await;
        assert_eq!(refused.is_problem(422, "invalid_currency").body["field"], "currency", "{currency}");
        let path = format!("/api/wallet?currency={currency}");
        hub.get_as(&ann.token, &path).await.is_problem(422, "invalid_currency");
    }
    deposit_of(&hub, &ann, "k", json!({"amount": 100, "colour": "red"})).await.is(422);
    assert_eq!(hub.get_as(&ann.token, "/api/wallet/deposits").await.body["items"], json!([]));
    deposit(&hub, &ann, "k", (1 << 53) - 1).await.is(201);
    assert_eq!(purse(&hub, &ann).await, ((1 << 53) - 1, 0));
    done(hub).await;
}

#[tokio::test]
async fn each_currency_has_a_wallet_of_its_own() {
    on_both(
        |_| (),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            let empty = wallet(&hub, &ann).await;
            assert_eq!((&empty["balance"], &empty["currencies"]), (&json!(0), &json!([])));
            assert_eq!((&empty["policy"], &empty["owed"]), (&json!({"raise": "exact"}), &json!(0)));
            assert_eq!(empty["limits"], json!({"max_exposure": null, "daily_deposit_limit": null}));
            fund(&hub, &ann, 500).await;
            deposit_of(&hub, &ann, "eur", json!({"amount": 70, "currency": "EUR"})).await.is(201);
            assert_eq!(purse(&hub, &ann).await, (500, 0));
            let euros = hub.get_as(&ann.token, "/api/wallet?currency=EUR").await.is(200).body.clone();
            assert_eq!((&euros["currency"], &euros["available"]), (&json!("EUR"), &json!(70)));
            assert_eq!(euros["currencies"], json!(["EUR", "USD"]));
            let of = async |query: &str| {
                hub.get_as(&ann.token, &format!("/api/wallet/entries{query}")).await.body["items"].clone()
            };
            assert_eq!(of("?currency=EUR").await.as_array().unwrap().len(), 1);
            assert_eq!((&of("").await[0]["amount"], of("").await.as_array().unwrap().len()), (&json!(500), 1));
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn no_more_is_deposited_within_a_day_than_may_be() {
    on_both(
        |settings| settings.money.daily_deposit_limit = Some(1_000),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            assert_eq!(wallet(&hub, &ann).await["limits"]["daily_deposit_limit"], 1_000);
            fund(&hub, &ann, 600).await;
            deposit(&hub, &ann, "declined", 302).await.is_problem(402, "payment_refused");
            hub.clock.advance(Span::from_secs(3_600));
            fund(&hub, &ann, 400).await;
            let refused = deposit(&hub, &ann, "more", 1).await;
            let body = &refused.is_problem(409, "deposit_limit").body;
            assert_eq!((&body["daily_deposit_limit"], &body["deposited"]), (&json!(1_000), &json!(1_000)));
            deposit(&hub, &ann, "fund-400", 400).await.is(201);
            deposit_of(&hub, &ann, "eur", json!({"amount": 1_000, "currency": "EUR"})).await.is(201);
            // The first of the two is a day old, the second is not.
            hub.clock.advance(Span::from_secs(23 * 3_600));
            deposit(&hub, &ann, "more", 601).await.is_problem(409, "deposit_limit");
            deposit(&hub, &ann, "more", 600).await.is(201);
            deposit(&hub, &ann, "yet more", 1).await.is_problem(400, "invalid_idempotency_key");
            deposit(&hub, &ann, "yet-more", 1).await.is_problem(409, "deposit_limit");
            assert_eq!(purse(&hub, &ann).await, (1_600, 0));
            done(hub).await;
        },
    )
    .await;
}

#[tokio::test]
async fn entries_are_paged_newest_first_and_sum_to_the_balance() {
    on_both(
        |_| (),
        |hub| async move {
            let ann = hub.sign_up("ann").await;
            for amount in 10..15 {
                fund(&hub, &ann, amount).await;
            }
            let mut found = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = hub.get_as(&ann.token, &format!("/api/wallet/entries?limit=2{cursor}")).await;
                let items = page.is(200).body["items"].as_array().unwrap().clone();
                assert!(items.len() <= 2);
                found.extend(items);
                match page.body["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            let amounts: Vec<i64> = found.iter().map(|entry| entry["amount"].as_i64().unwrap()).collect();
            assert_eq!(amounts, [14, 13, 12, 11, 10]);
            assert!(found.iter().all(|entry| entry["kind"] == "deposit" && entry["account"] == "available"));
            assert_eq!(purse(&hub, &ann).await.0, amounts.iter().sum::<i64>());
            for query in ["?limit=0", "?limit=201", "?cursor=x"] {
                let path = format!("/api/wallet/entries{query}");
                hub.get_as(&ann.token, &path).await.is_problem(422, "invalid_query");
            }
            let orders = hub.get_as(&ann.token, "/api/wallet/deposits?limit=3").await.is(200).body.clone();
            let next = orders["next"].as_str().unwrap();
            let rest = hub.get_as(&ann.token, &format!("/api/wallet/deposits?limit=3&cursor={next}")).await;
            assert_eq!(
                (orders["items"].as_array().unwrap().len(), rest.body["items"].as_array().unwrap().len()),
                (3, 2)
            );
            done(hub).await;
        },
    )
    .await;
}
