//! The projector dies at every step: whatever was handed over twice, or written and never committed, is told once.

use bidhub::domain::auction::{Funds, Offer};
use bidhub::domain::{AuctionId, Span};
use bidhub::features::stakes::StakesProjection;
use bidhub::projection::{Projected, Projection as _};
use bidhub::room::Act;
use bidhub::sql;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::sales::world::{SELLER, World, money, on_both, person};

/// A few auctions, and what happened in them.
async fn history(world: &World) -> Vec<AuctionId> {
    let (ann, ben, cleo) = (person(1), person(2), person(3));
    let [sold, stopped, voided] = [
        world.offer(Funds::None, None).await,
        world.offer(Funds::None, None).await,
        world.offer(Funds::None, None).await,
    ];
    let straight = |minor| Offer::Straight(money(minor));
    for round in 0..6 {
        world.bid(sold, ann, straight(1_000 + 1_000 * round)).await;
        world.bid(sold, ben, straight(1_500 + 1_000 * round)).await;
        world.bid(voided, if round % 2 == 0 { cleo } else { ann }, straight(1_000 + 1_000 * round)).await;
    }
    world.bid(stopped, cleo, straight(1_000)).await;
    world.bid(stopped, ann, straight(2_000)).await;
    let high = world.bid(voided, ben, straight(20_000)).await;
    let act = Act::Void { by: person(4), key: None, reason: "a mistake".into(), seq: high };
    world.rooms.act(voided, act).await.unwrap();
    let act = Act::Stop { by: person(4), key: None, reason: "a mistake".into(), only_without_bids: false };
    world.rooms.act(stopped, act).await.unwrap();
    world.bid(sold, cleo, Offer::Max(money(30_000))).await;
    world.end(sold).await;
    world.clock.advance(Span::from_secs(1));
    world.end(voided).await;
    vec![sold, stopped, voided]
}

/// Hands a page over; it all comes to nothing at its end if the projector `dies`.
async fn apply(world: &World, page: &[Projected], dies: bool) {
    let mut tx = world.db.begin().await.unwrap();
    StakesProjection::new(world.clock.clone()).apply(&mut tx, page).await.unwrap();
    if !dies {
        tx.commit().await.unwrap();
    }
}

/// All that was told, and how everyone stands.
async fn rows(world: &World) -> Vec<String> {
    let text = "select account, kind, cause, data from notifications order by account, cause, kind";
    let notes = sql!(world.db.read(), all(Uuid, String, String, Json<Value>), text).unwrap();
    let mut rows: Vec<_> = notes.iter().map(|row| format!("{row:?}")).collect();
    let text = "select auction, bidder, standing, coalesce(ceiling, 0), bids, last_seq from stakes order by 1, 2";
    let stakes = sql!(world.db.read(), all(Uuid, Uuid, String, i64, i64, i64), text).unwrap();
    rows.extend(stakes.iter().map(|row| format!("{row:?}")));
    rows
}

async fn forget(world: &World) {
    for text in ["delete from notifications", "delete from stakes", "delete from races"] {
        sql!(world.db.write(), exec, text).unwrap();
    }
}

#[tokio::test]
async fn a_projector_killed_at_any_step_loses_and_doubles_nothing() {
    on_both(|world| async move {
        history(&world).await;
        let feed = world.records().await;
        apply(&world, &feed, false).await;
        let expected = rows(&world).await;
        let count = |kind: &str| expected.iter().filter(|row| row.contains(&format!(":{kind}\""))).count();
        for (kind, times) in [("won", 2), ("sold", 2), ("lost", 3), ("auction_stopped", 3), ("bid_voided", 1)] {
            assert_eq!(count(kind), times, "{kind}: {expected:#?}");
        }
        assert!(expected.iter().any(|row| row.contains(&person(SELLER).to_string())));
        for cut in 0..=feed.len() {
            forget(&world).await;
            apply(&world, &feed[..cut], false).await;
            apply(&world, &feed[cut..], true).await;
            // Some of it comes once more.
            apply(&world, &feed[cut.saturating_sub(4)..(cut + 3).min(feed.len())], false).await;
            apply(&world, &feed[cut..], true).await;
            apply(&world, &feed[cut..], false).await;
            apply(&world, &feed, false).await;
            assert_eq!(rows(&world).await, expected, "cut after {cut} of {}", feed.len());
        }
        forget(&world).await;
        for record in &feed {
            apply(&world, std::slice::from_ref(record), true).await;
            apply(&world, std::slice::from_ref(record), false).await;
        }
        assert_eq!(rows(&world).await, expected, "one by one");
    })
    .await;
}

#[tokio::test]
async fn what_happened_long_ago_is_read_and_told_to_nobody() {
    on_both(|world| async move {
        history(&world).await;
        let feed = world.records().await;
        world.clock.advance(Span::from_secs(8 * 86_400));
        apply(&world, &feed, false).await;
        let notes = "select count(*) from notifications";
        assert_eq!(sql!(world.db.read(), scalar i64, notes).unwrap(), 0);
        assert!(!rows(&world).await.is_empty(), "how everyone stands is known");
    })
    .await;
}
