//! The books of a busy hub, looked at again and again while money moves from all sides: nothing is wrong, whatever is under way.

use std::sync::atomic::{AtomicUsize, Ordering};

use bidhub::chance::Chance;
use bidhub::programs::check_books;
use futures_util::future::join_all;
use serde_json::json;

use super::{People, allow, deposit, disallow, done, fees, fund, funded, on_both, withdraw};
use crate::harness::{Hub, User};
use crate::market::bid;

const AUCTIONS: usize = 4;
const LOOKS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_looks_at_a_busy_hub_finds_nothing_wrong() {
    on_both(fees, |hub| async move {
        let People { sella, ann, ben, sam } = People::of(&hub).await;
        let mut auctions = Vec::new();
        for _ in 0..AUCTIONS {
            auctions.push(funded(&hub, &sella).await);
        }
        for who in [&ann, &ben, &sam] {
            fund(&hub, who, 50_000).await;
        }
        let done_things = AtomicUsize::new(0);
        let busy = [&ann, &ben, &sam, &ann, &ben, &sam];
        let busy = busy.iter().enumerate().map(|(number, who)| spend(&hub, who, number, &auctions, &done_things));
        let looks = async {
            let mut holds = 0;
            for _ in 0..LOOKS {
                let (findings, _) = check_books::look(&hub.settings).await.unwrap();
                for finding in &findings {
                    assert_eq!(finding.broken, 0, "{finding:?}");
                }
                holds += findings.iter().find(|it| it.rule.name == "rooms").map_or(0, |it| it.counted);
            }
            holds
        };
        let holds = tokio::select! {
            holds = looks => holds,
            _ = join_all(busy) => unreachable!("they go on for ever"),
        };
        let (holds, done_things) = (holds, done_things.load(Ordering::SeqCst));
        assert!(holds > 0 && done_things > LOOKS, "{holds} holds seen, {done_things} things done");
        done(hub).await;
    })
    .await;
}

/// Bids, raises, lowers, takes back, brings in and takes out, one after the other and whatever comes of it.
async fn spend(hub: &Hub, who: &User, number: usize, auctions: &[String], done_things: &AtomicUsize) {
    let chance = Chance::seeded(number as u64);
    for turn in 0.. {
        let (auction, key) = (&auctions[chance.below(AUCTIONS as u64) as usize], format!("{number}-{turn}"));
        let amount = 1_000 + chance.below(9_000) as i64;
        let answer = match chance.below(10) {
            0..=4 => bid(hub, who, auction, &key, json!({"max": amount})).await,
            5 | 6 => allow(hub, who, auction, amount).await,
            7 => disallow(hub, who, auction).await,
            8 => deposit(hub, who, &key, 100).await,
            _ => withdraw(hub, who, &key, 100).await,
        };
        assert!(answer.status.as_u16() < 500, "{answer:?}");
        done_things.fetch_add(usize::from(answer.status.is_success()), Ordering::SeqCst);
    }
}
