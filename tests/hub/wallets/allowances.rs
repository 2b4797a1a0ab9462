//! Allowances that bidders set themselves: what is held follows them, and nobody goes below their own leading bid.

use reqwest::Method;
use serde_json::{Value, json};

use super::{People, allow, allowance_path, ask, disallow, done, fees, fund, funded, on_both, purse, told};
use crate::harness::{Hub, User, send};
use crate::market::{bid, desk, offer, read};

async fn allowance(hub: &Hub, who: &User, auction: &str) -> Value {
    hub.get_as(&who.token, &allowance_path(auction)).await.is(200).body.clone()
}

#[tokio::test]
async fn what_is_held_rises_and_falls_with_the_allowance() {
    on_both(fees, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        let shown = |amount: i64, held: i64| {
            json!({"auction": auction, "currency": "USD", "amount": amount, "held": held, "settled": true})
        };
        assert_eq!(allowance(&hub, &ann, &auction).await, shown(0, 0));
        fund(&hub, &ann, 10_000).await;
        assert_eq!(allow(&hub, &ann, &auction, 3_000).await.is(200).body, shown(3_000, 3_300));
        assert_eq!(allow(&hub, &ann, &auction, 3_000).await.is(200).body, shown(3_000, 3_300));
        assert_eq!(allow(&hub, &ann, &auction, 5_000).await.is(200).body, shown(5_000, 5_500));
        assert_eq!(purse(&hub, &ann).await, (4_500, 5_500));
        let refused = allow(&hub, &ann, &auction, 9_092).await;
        let body = &refused.is_problem(409, "insufficient_funds").body;
        assert_eq!((&body["allowance"], &body["available"]), (&json!(5_000), &json!(4_500)));
        assert_eq!(allow(&hub, &ann, &auction, 2_000).await.is(200).body, shown(2_000, 2_200));
        assert_eq!(purse(&hub, &ann).await, (7_800, 2_200));
        assert_eq!(disallow(&hub, &ann, &auction).await.is(200).body, shown(0, 0));
        assert_eq!(disallow(&hub, &ann, &auction).await.is(200).body, shown(0, 0));
        assert_eq!((purse(&hub, &ann).await, allowance(&hub, &ann, &auction).await), ((10_000, 0), shown(0, 0)));
        let notes = [
            ("deposit", 10_000),
            ("hold_raised", 3_300),
            ("hold_raised", 5_500),
            ("hold_released", 3_300),
            ("hold_released", 2_200),
        ];
        assert_eq!(told(&hub, &ann).await, notes.map(|(kind, amount)| (kind.to_owned(), json!(amount))));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn nobody_goes_below_the_own_leading_bid_but_whoever_is_outbid_does() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        fund(&hub, &ben, 10_000).await;
        allow(&hub, &ann, &auction, 5_000).await.is(200);
        bid(&hub, &ann, &auction, "a", json!({"max": 3_000})).await.is(201);
        let before = (allowance(&hub, &ann, &auction).await, purse(&hub, &ann).await);
        allow(&hub, &ann, &auction, 2_999).await.is_problem(409, "leading");
        disallow(&hub, &ann, &auction).await.is_problem(409, "leading");
        assert_eq!((allowance(&hub, &ann, &auction).await, purse(&hub, &ann).await), before, "nothing changed");
        assert_eq!(allow(&hub, &ann, &auction, 3_000).await.is(200).body["held"], 3_300);

        bid(&hub, &ben, &auction, "b", json!({"max": 4_000})).await.is(201);
        let lowered = allow(&hub, &ann, &auction, 1_000).await;
        assert_eq!((&lowered.is(200).body["held"], purse(&hub, &ann).await), (&json!(1_100), (8_900, 1_100)));
        disallow(&hub, &ann, &auction).await.is(200);
        assert_eq!(purse(&hub, &ann).await, (10_000, 0));
        // And a new bid sets aside what it needs.
        bid(&hub, &ann, &auction, "a2", json!({"max": 6_000})).await.is(201);
        assert_eq!(
            (purse(&hub, &ann).await, read(&hub, &auction).await["price"].clone()),
            ((3_400, 6_600), json!(4_100))
        );
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn an_allowance_that_is_none_is_refused() {
    on_both(fees, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let (auction, free) = (funded(&hub, &sella).await, offer(&hub, &sella, desk()).await);
        fund(&hub, &ann, 10_000).await;
        for amount in [0, -1, 1 << 53] {
            allow(&hub, &ann, &auction, amount).await.is_problem(422, "invalid_amount");
        }
        let odd = Some(json!({"amount": 1_000, "colour": "red"}));
        ask(&hub, &ann, (Method::PUT, &allowance_path(&auction)), None, odd).await.is(422);
        allow(&hub, &sella, &auction, 1_000).await.is_problem(409, "own_auction");
        allow(&hub, &ann, &free, 1_000).await.is_problem(409, "no_funds_needed");
        bid(&hub, &ann, &free, "f", json!({"max": 50_000})).await.is(201);
        for nowhere in ["01938b5e-0000-7000-8000-000000000000", "1"] {
            allow(&hub, &ann, nowhere, 1_000).await.is_problem(404, "unknown_auction");
            disallow(&hub, &ann, nowhere).await.is_problem(404, "unknown_auction");
            hub.get_as(&ann.token, &allowance_path(nowhere)).await.is_problem(404, "unknown_auction");
        }
        for method in [Method::PUT, Method::DELETE, Method::GET] {
            let request = hub.request(method, &allowance_path(&auction)).json(&json!({"amount": 1_000}));
            send(request).await.is_problem(401, "unauthenticated");
        }
        assert_eq!(purse(&hub, &ann).await, (10_000, 0));
        done(hub).await;
    })
    .await;
}
