//! How auctions end for the money in them.

use bidhub::domain::Span;
use serde_json::json;

use super::{People, allow, disallow, done, fees, fund, funded, on_both, purse, sanction, told, until};
use crate::harness::{Hub, User};
use crate::market::{bid, eventually, read};

/// Lets the auction end, and waits until nobody of `bidders` holds anything.
async fn end(hub: &Hub, auction: &str, bidders: &[&User]) {
    hub.clock.advance(Span::from_secs(3_700));
    eventually(hub, &format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "ended").await;
    for bidder in bidders {
        until(hub, bidder, "/api/wallet", |body| body["held"] == 0).await;
    }
}

async fn void(hub: &Hub, staff: &User, auction: &str, seq: u64) {
    let path = format!("/api/staff/auctions/{auction}/bids/{seq}/void");
    hub.post_as(&staff.token, &path, json!({"reason": "a mistake"})).await.is(200);
}

fn notes<const N: usize>(notes: [(&str, i64); N]) -> Vec<(String, serde_json::Value)> {
    notes.into_iter().map(|(kind, amount)| (kind.to_owned(), json!(amount))).collect()
}

#[tokio::test]
async fn the_winner_pays_the_seller_is_paid_and_the_loser_gets_all_back() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        fund(&hub, &ben, 10_000).await;
        bid(&hub, &ann, &auction, "a", json!({"max": 3_000})).await.is(201);
        bid(&hub, &ben, &auction, "b", json!({"max": 5_000})).await.is(201);
        assert_eq!((purse(&hub, &ann).await, purse(&hub, &ben).await), ((6_700, 3_300), (4_500, 5_500)));
        end(&hub, &auction, &[&ann, &ben]).await;
        assert_eq!(purse(&hub, &ann).await, (10_000, 0));
        assert_eq!(purse(&hub, &ben).await, (10_000 - 3_100 - 310, 0));
        assert_eq!(purse(&hub, &sella).await, (3_100 - 155, 0));
        let bill = hub.get_as(&ben.token, "/api/invoices").await.is(200).body["items"][0].clone();
        assert_eq!(
            (&bill["status"], &bill["total"], &bill["auction"]),
            (&json!("paid"), &json!(3_410), &json!(auction))
        );
        let sale = hub.get_as(&sella.token, "/api/invoices").await.is(200).body["items"][0].clone();
        assert_eq!((&sale["id"], &sale["payout"]), (&bill["id"], &json!(2_945)));
        assert_eq!(hub.get_as(&ann.token, "/api/invoices").await.body["items"], json!([]));
        let of_money = async |who: &User| {
            let mut notes = told(&hub, who).await;
            notes.retain(|(_, amount)| amount.is_i64());
            notes.sort_by(|one, other| one.0.cmp(&other.0));
            notes
        };
        let loser = [("deposit", 10_000), ("hold_raised", 3_300), ("hold_released", 3_300)];
        assert_eq!(of_money(&ann).await, notes(loser));
        let winner = [("captured", 3_410), ("deposit", 10_000), ("hold_raised", 5_500), ("hold_released", 2_090)];
        assert_eq!(of_money(&ben).await, notes(winner));
        assert_eq!(of_money(&sella).await, notes([("paid_out", 2_945)]));
        allow(&hub, &ann, &auction, 1_000).await.is_problem(409, "auction_closed");
        disallow(&hub, &ben, &auction).await.is_problem(409, "auction_closed");
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn who_took_the_money_back_does_not_lead_when_the_higher_bid_is_voided() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        fund(&hub, &ben, 10_000).await;
        bid(&hub, &ann, &auction, "a", json!({"max": 3_000})).await.is(201);
        let high = bid(&hub, &ben, &auction, "b", json!({"max": 5_000})).await;
        disallow(&hub, &ann, &auction).await.is(200);
        void(&hub, &sam, &auction, high.is(201).body["seq"].as_u64().unwrap()).await;
        let state = read(&hub, &auction).await;
        assert_eq!((&state["leader"], &state["price"]), (&json!(null), &json!(null)));
        end(&hub, &auction, &[&ann, &ben]).await;
        assert_eq!((purse(&hub, &ann).await, purse(&hub, &ben).await), ((10_000, 0), (10_000, 0)));
        assert_eq!(
            (purse(&hub, &sella).await, read(&hub, &auction).await["state"]["outcome"].clone()),
            ((0, 0), json!("unsold"))
        );
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn who_left_some_money_leads_with_that_when_the_higher_bid_is_voided() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        fund(&hub, &ben, 10_000).await;
        bid(&hub, &ann, &auction, "a", json!({"max": 3_000})).await.is(201);
        let high = bid(&hub, &ben, &auction, "b", json!({"max": 5_000})).await;
        assert_eq!(allow(&hub, &ann, &auction, 1_500).await.is(200).body["held"], 1_650);
        void(&hub, &sam, &auction, high.is(201).body["seq"].as_u64().unwrap()).await;
        assert_eq!(read(&hub, &auction).await["price"], 1_000);
        allow(&hub, &ann, &auction, 1_400).await.is_problem(409, "leading");
        end(&hub, &auction, &[&ann, &ben]).await;
        assert_eq!((purse(&hub, &ann).await, purse(&hub, &ben).await), ((8_900, 0), (10_000, 0)));
        assert_eq!(purse(&hub, &sella).await, (950, 0));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_voided_bid_needed_is_given_back_also_to_who_is_banned() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        fund(&hub, &ben, 10_000).await;
        bid(&hub, &ann, &auction, "low", json!({"max": 1_000})).await.is(201);
        let high = bid(&hub, &ann, &auction, "high", json!({"max": 3_000})).await;
        let other = bid(&hub, &ben, &auction, "b", json!({"max": 5_000})).await;
        sanction(&hub, &sam, "ban", &ben).await;
        void(&hub, &sam, &auction, other.is(201).body["seq"].as_u64().unwrap()).await;
        void(&hub, &sam, &auction, high.is(201).body["seq"].as_u64().unwrap()).await;
        hub.clock.advance(Span::from_secs(20));
        until(&hub, &ann, "/api/wallet", |body| body["held"] == 1_100).await;
        let path = format!("/api/staff/users/{}/wallet", ben.id);
        until(&hub, &sam, &path, |body| body["held"] == 0 && body["available"] == 10_000).await;
        let state = read(&hub, &auction).await;
        assert_eq!((&state["leader"], &state["bid_count"]), (&json!("Bidder 1"), &json!(1)));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn a_stopped_auction_gives_everything_back() {
    on_both(fees, |hub| async move {
        let People { sella, ann, sam, .. } = People::of(&hub).await;
        let auction = funded(&hub, &sella).await;
        fund(&hub, &ann, 10_000).await;
        bid(&hub, &ann, &auction, "a", json!({"max": 3_000})).await.is(201);
        let path = format!("/api/staff/auctions/{auction}/stop");
        hub.post_as(&sam.token, &path, json!({"reason": "a mistake"})).await.is(200);
        until(&hub, &ann, "/api/wallet", |body| body["held"] == 0).await;
        assert_eq!((purse(&hub, &ann).await, purse(&hub, &sella).await), ((10_000, 0), (0, 0)));
        allow(&hub, &ann, &auction, 1_000).await.is_problem(409, "auction_stopped");
        done(hub).await;
    })
    .await;
}
