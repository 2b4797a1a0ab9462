//! The projector dies at every step: whatever was handed over twice, or written and never committed, moves money once, and
//! whose money it is hears of it once.

use bidhub::domain::auction::Funds;
use bidhub::domain::{AccountId, AuctionId};
use bidhub::features::sales::SalesProjection;
use bidhub::ledger::{self, Account, Kind, Movement, Transfer};
use bidhub::projection::{Projected, Projection as _};
use bidhub::room::Act;
use bidhub::sql;
use serde_json::Value;
use sqlx::types::Json;

use super::world::{SELLER, World, money, on_both, person, usd};
use crate::deposits::PROVIDER;

/// Makes `owner` owe so much: a deposit that was spent is taken back.
async fn owe(world: &World, owner: AccountId, amount: i64) {
    let mut tx = world.db.begin().await.unwrap();
    ledger::lock_wallet(&mut tx, owner, usd()).await.unwrap();
    let transfers = vec![Transfer { from: Account::Owed(owner), to: PROVIDER, amount: money(amount) }];
    let (kind, cause, at) = (Kind::DepositReversal, format!("reversal:{owner}"), world.clock.now());
    let movement = Movement { kind, cause, currency: usd(), at, auction: None, transfers };
    assert!(ledger::post(&mut tx, &movement).await.unwrap(), "it is new");
    tx.commit().await.unwrap();
}

/// Two auctions: of each kind of movement one at least. Gives them, and what is to be told.
async fn history(world: &World) -> (Vec<AuctionId>, Vec<(String, String, i64)>) {
    let (ann, ben, seller) = (person(1), person(2), person(SELLER));
    let sold = world.offer(Funds::Required, None).await;
    world.funded_bid(sold, ann, 3_000).await;
    world.funded_bid(sold, ben, 5_000).await;
    let stopped = world.offer(Funds::Required, None).await;
    world.funded_bid(stopped, ann, 1_500).await;
    owe(world, ann, 300).await;
    owe(world, seller, 400).await;
    world.allow(sold, ann, 2_000).await;
    let stop = Act::Stop { by: person(4), key: None, reason: "a mistake".into(), only_without_bids: false };
    world.rooms.act(stopped, stop).await.unwrap();
    world.end(sold).await;
    let told = [
        ("Ann", "debt_paid", 300),
        ("Ann", "hold_released", 1_100),
        ("Ann", "hold_released", 1_650),
        ("Ann", "hold_released", 2_200),
        ("Ben", "captured", 3_410),
        ("Ben", "hold_released", 2_090),
        ("Sella", "debt_paid", 400),
        ("Sella", "paid_out", 2_945),
    ];
    (vec![sold, stopped], told.map(|(who, what, amount)| (who.to_owned(), what.to_owned(), amount)).into())
}

/// Hands a page over; it all comes to nothing at its end if the projector `dies`.
async fn apply(world: &World, page: &[Projected], dies: bool) {
    let mut tx = world.db.begin().await.unwrap();
    SalesProjection.apply(&mut tx, page).await.unwrap();
    if !dies {
        tx.commit().await.unwrap();
    }
}

/// Who was told of how much, by name, kind and amount.
async fn told(world: &World) -> Vec<(String, String, i64)> {
    let text = "select account.display_name, note.kind, note.data from notifications note
         join accounts account on account.id = note.account";
    let rows = sql!(world.db.read(), all(String, String, Json<Value>), text).unwrap();
    let mut told: Vec<_> =
        rows.into_iter().map(|(who, what, Json(data))| (who, what, data["amount"].as_i64().unwrap())).collect();
    told.sort();
    told
}

/// The books are as they must be, but for the debts: nothing was ever taken back by a provider.
async fn assert_balanced(world: &World) {
    let mut tx = world.db.begin().await.unwrap();
    for finding in ledger::books::audit(&mut tx).await.unwrap() {
        assert!(finding.broken == 0 || finding.rule.name == "reversals", "{finding:?}");
    }
}

#[tokio::test]
async fn a_projector_killed_at_any_step_tells_of_every_movement_once() {
    on_both(|world| async move {
        let (auctions, expected) = history(&world).await;
        let feed: Vec<_> = world.records().await.into_iter().filter(|it| auctions.contains(&it.auction)).collect();
        let mut before = Vec::new();
        for step in 0..feed.len() {
            // Pages of every length die, from the first record that was never committed on.
            for end in step + 1..=feed.len() {
                apply(&world, &feed[step..end], true).await;
            }
            assert_eq!(told(&world).await, before, "before step {step}");
            apply(&world, &feed[step..=step], false).await;
            before = told(&world).await;
            // Some of it comes once more, alone and in the middle of what is new.
            apply(&world, &feed[step.saturating_sub(3)..=step], false).await;
            apply(&world, &feed[step.saturating_sub(1)..(step + 3).min(feed.len())], true).await;
            assert_eq!(told(&world).await, before, "after step {step}");
        }
        assert_eq!(before, expected);
        let rows = world.rows().await;
        apply(&world, &feed, false).await;
        assert_eq!((world.rows().await, told(&world).await), (rows, expected), "all of it once more");
        assert_balanced(&world).await;
    })
    .await;
}

#[tokio::test]
async fn a_page_of_any_length_tells_of_every_movement_once() {
    on_both(|world| async move {
        let (_, expected) = history(&world).await;
        let feed = world.records().await;
        apply(&world, &feed, true).await;
        assert_eq!(told(&world).await, []);
        apply(&world, &feed, false).await;
        assert_eq!(told(&world).await, expected);
        for cut in 0..=feed.len() {
            apply(&world, &feed[cut..], false).await;
            apply(&world, &feed[..cut], false).await;
        }
        assert_eq!(told(&world).await, expected);
        assert_balanced(&world).await;
    })
    .await;
}
