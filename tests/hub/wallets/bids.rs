//! Bids where money must be set aside: it is set aside by the bid itself, once, and for no bid that does not count.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    People, allow, ask, deposit, done, fees, fund, funded, funded_with, holds, on_both, purse, sanction, until, wallet,
};
use crate::harness::{Answer, Hub, User, send};
use crate::market::bid;
use crate::socket_client::{CODECS, Codec, Socket};

async fn buy_now(hub: &Hub, bidder: &User, auction: &str, key: &str) -> Answer {
    let path = format!("/api/auctions/{auction}/buy-now");
    send(hub.request(Method::POST, &path).bearer_auth(&bidder.token).header("Idempotency-Key", key)).await
}

async fn set_policy(hub: &Hub, who: &User, policy: Value) -> Answer {
    ask(hub, who, (Method::PUT, "/api/wallet/policy"), None, Some(policy)).await
}

#[tokio::test]
async fn a_bid_sets_its_money_aside_once_and_waits_for_none() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        let refused = bid(&hub, &ann, &auction, "a", json!({"amount": 2_000})).await;
        assert_eq!(refused.is_problem(409, "insufficient_funds").body["allowance"], 0);
        assert_eq!((purse(&hub, &ann).await, holds(&hub, &ann).await), ((0, 0), 0));
        fund(&hub, &ann, 2_199).await;
        bid(&hub, &ann, &auction, "a", json!({"amount": 2_000})).await.is_problem(409, "insufficient_funds");
        fund(&hub, &ann, 7_801).await;
        // The same bid under the same key, now that there is money.
        let first = bid(&hub, &ann, &auction, "a", json!({"amount": 2_000})).await.is(201).body.clone();
        assert_eq!((&first["leading"], &first["price"]), (&json!(true), &json!(2_000)));
        assert_eq!(purse(&hub, &ann).await, (7_800, 2_200));
        assert_eq!(bid(&hub, &ann, &auction, "a", json!({"amount": 2_000})).await.is(201).body, first);
        bid(&hub, &ann, &auction, "a", json!({"amount": 2_100})).await.is_problem(409, "key_reused");
        assert_eq!((purse(&hub, &ann).await, holds(&hub, &ann).await), ((7_800, 2_200), 1));

        fund(&hub, &ben, 10_000).await;
        bid(&hub, &ben, &auction, "low", json!({"amount": 2_099})).await.is_problem(409, "bid_too_low");
        assert_eq!((purse(&hub, &ben).await, holds(&hub, &ben).await), ((10_000, 0), 0), "it holds nothing");
        assert_eq!(bid(&hub, &ben, &auction, "b", json!({"max": 3_000})).await.is(201).body["leading"], true);
        assert_eq!((purse(&hub, &ben).await, purse(&hub, &ann).await), ((6_700, 3_300), (7_800, 2_200)));
        let outbid = bid(&hub, &ann, &auction, "a2", json!({"max": 2_900})).await.is(201).body.clone();
        assert_eq!((&outbid["leading"], &outbid["price"]), (&json!(false), &json!(3_000)));
        assert_eq!((purse(&hub, &ann).await, holds(&hub, &ann).await), ((6_810, 3_190), 2), "each time what it needs");
        bid(&hub, &sella, &auction, "s", json!({"amount": 4_000})).await.is_problem(409, "own_auction");
        let own = hub.get_as(&ann.token, &format!("/api/auctions/{auction}")).await.body["state"]["you"].clone();
        assert_eq!((&own["allowance"], &own["leading"]), (&json!(2_900), &json!(false)));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn bids_over_a_socket_are_funded_as_well() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        for (codec, who, amount) in [(CODECS[0], &ann, 2_000), (CODECS[1], &ben, 3_000)] {
            let mut socket = Socket::of(hub.address, codec, &who.token).await;
            let mut offer = async |key: &str| {
                socket.ask(json!({"type": "bid", "auction": auction, "key": key, "max": amount})).await
            };
            let refused = offer("k").await;
            assert_eq!(
                (&refused["code"], &refused["allowance"]),
                (&json!("insufficient_funds"), &json!(0)),
                "{refused}"
            );
            fund(&hub, who, 10_000).await;
            let accepted = offer("k").await;
            assert_eq!((&accepted["type"], &accepted["leading"]), (&json!("bid_accepted"), &json!(true)), "{accepted}");
            assert_eq!(offer("k").await["seq"], accepted["seq"]);
            let held = amount + amount / 10;
            assert_eq!((purse(&hub, who).await, holds(&hub, who).await), ((10_000 - held, held), 1));
        }
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn many_bids_at_once_hold_no_more_than_the_highest_needs() {
    on_both(fees, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 100_000).await;
        let bids: Vec<_> = (0..8)
            .map(|number| {
                let (hub, ann, auction) = (&hub, &ann, &auction);
                async move { bid(hub, ann, auction, &format!("k{number}"), json!({"max": 2_000 + number * 100})).await }
            })
            .collect();
        for answer in futures_util::future::join_all(bids).await {
            assert!(answer.status == 201 || answer.body["code"] == "max_not_raised", "{answer:?}");
        }
        assert_eq!(purse(&hub, &ann).await, (100_000 - 2_970, 2_970));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn in_steps_money_is_set_aside_ahead_and_never_above_the_limit() {
    on_both(fees, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 20_000).await;
        for wrong in [
            json!({"raise": "up_to"}),
            json!({"raise": "up_to", "limit": 0}),
            json!({"raise": "sideways"}),
            json!({"raise": 0}),
            json!({"raise": "exact", "limit": 5}),
            json!({"raise": "exact", "currency": "usd"}),
            json!({}),
        ] {
            assert_eq!(set_policy(&hub, &ann, wrong.clone()).await.status, 422, "{wrong}");
        }
        assert_eq!(wallet(&hub, &ann).await["policy"], json!({"raise": "exact"}));
        let up_to = json!({"raise": "up_to", "limit": 5_000});
        let set = set_policy(&hub, &ann, json!({"raise": "up_to", "limit": 5_000, "currency": "USD"})).await;
        assert_eq!(set.is(200).body["policy"], up_to);
        let mut found = Vec::new();
        for max in [1_000, 1_500, 2_000, 2_500, 4_900, 5_000] {
            bid(&hub, &ann, &auction, &format!("k{max}"), json!({"max": max})).await.is(201);
            found.push((purse(&hub, &ann).await.1, holds(&hub, &ann).await));
        }
        assert_eq!(found, [(2_200, 1), (2_200, 1), (2_200, 1), (5_500, 2), (5_500, 2), (5_500, 2)]);
        let above = bid(&hub, &ann, &auction, "above", json!({"max": 5_001})).await;
        assert_eq!(above.is_problem(409, "insufficient_funds").body["allowance"], 5_000);
        assert_eq!(
            set_policy(&hub, &ann, json!({"raise": "exact"})).await.is(200).body["policy"],
            json!({"raise": "exact"})
        );
        bid(&hub, &ann, &auction, "above-2", json!({"max": 5_001})).await.is(201);
        assert_eq!(purse(&hub, &ann).await.1, 5_501);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn to_buy_at_once_takes_the_money_at_once() {
    on_both(fees, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let auction = funded_with(&hub, &sella, json!({"buy_now": 9_000})).await;
        buy_now(&hub, &ann, &auction, "n").await.is_problem(409, "insufficient_funds");
        fund(&hub, &ann, 10_000).await;
        let bought = buy_now(&hub, &ann, &auction, "n").await.is(201).body.clone();
        assert_eq!(bought["price"], 9_000);
        until(&hub, &ann, "/api/invoices", |body| body["items"][0]["total"] == 9_900).await;
        assert_eq!((purse(&hub, &ann).await, purse(&hub, &sella).await), ((100, 0), (8_550, 0)));
        assert_eq!(buy_now(&hub, &ann, &auction, "n").await.is(201).body, bought);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn no_more_is_set_aside_at_once_than_may_be() {
    let change = |settings: &mut _| {
        fees(settings);
        settings.money.max_exposure = Some(3_000);
    };
    on_both(change, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let (one, two) = (funded(&hub, &sella).await, funded(&hub, &sella).await);
        fund(&hub, &ann, 10_000).await;
        assert_eq!(wallet(&hub, &ann).await["limits"]["max_exposure"], 3_000);
        bid(&hub, &ann, &one, "a", json!({"max": 2_000})).await.is(201);
        bid(&hub, &ann, &two, "b", json!({"amount": 1_000})).await.is_problem(409, "insufficient_funds");
        let refused = allow(&hub, &ann, &two, 1_000).await;
        assert_eq!(refused.is_problem(409, "exposure_limit").body["max_exposure"], 3_000);
        assert_eq!(purse(&hub, &ann).await, (7_800, 2_200));
        allow(&hub, &ann, &one, 2_727).await.is(200);
        assert_eq!(purse(&hub, &ann).await, (7_001, 2_999));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn steps_are_no_longer_than_what_may_be_set_aside_at_once() {
    let change = |settings: &mut _| {
        fees(settings);
        settings.money.max_exposure = Some(1_500);
    };
    on_both(change, |hub| async move {
        let People { sella, ann, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        set_policy(&hub, &ann, json!({"raise": "up_to", "limit": 5_000})).await.is(200);
        bid(&hub, &ann, &auction, "a", json!({"max": 1_000})).await.is(201);
        assert_eq!(purse(&hub, &ann).await, (8_500, 1_500), "1,364 and the premium on it");
        bid(&hub, &ann, &auction, "b", json!({"max": 1_364})).await.is(201);
        bid(&hub, &ann, &auction, "c", json!({"max": 1_365})).await.is_problem(409, "insufficient_funds");
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn who_is_frozen_does_not_bid_until_let_go() {
    on_both(fees, |hub| async move {
        let People { sella, ann, sam, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        let mut socket = Socket::of(hub.address, Codec::Json, &ann.token).await;
        sanction(&hub, &sam, "freeze", &ann).await;
        assert!(socket.closed().await.is_some(), "it comes back with the fact");
        bid(&hub, &ann, &auction, "a", json!({"max": 2_000})).await.is_problem(409, "account_frozen");
        let mut socket = Socket::of(hub.address, Codec::Json, &ann.token).await;
        let answer = socket.ask(json!({"type": "bid", "auction": auction, "key": "s", "amount": 2_000})).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("bid_rejected"), &json!("account_frozen")));
        allow(&hub, &ann, &auction, 2_000).await.is_problem(403, "account_frozen");
        assert_eq!(purse(&hub, &ann).await, (10_000, 0));
        sanction(&hub, &sam, "unfreeze", &ann).await;
        deposit(&hub, &ann, "more", 100).await.is(201);
        bid(&hub, &ann, &auction, "b", json!({"max": 2_000})).await.is(201);
        assert_eq!(purse(&hub, &ann).await, (7_900, 2_200));
        done(hub).await;
    })
    .await;
}
