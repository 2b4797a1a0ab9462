//! Many at once on one wallet.

use std::sync::Arc;

use bidhub::ledger::*;
use tokio::sync::Semaphore;

use crate::bench::{Bench, book, money, on_both, person};

/// How many raises are asked for.
const RAISES: u64 = 10_000;
/// How many of them at once; the pool of connections is smaller still.
const AT_ONCE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_raises_at_once_are_exact() {
    on_both(exact).await;
}

/// Ten auctions; each raise asks for one more than the one before, so that 10,000 raises can be told apart. There is money
/// for all but the last of the auctions.
async fn exact(bench: Bench) {
    let ann = person(1);
    let most = RAISES as i64 / 10;
    let gross = |allowance: i64| allowance + allowance / 10;
    bench.deposit(ann, gross(most) * 9 + 5).await;
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..RAISES {
        let (bench, gate) = (bench.clone(), gate.clone());
        asked.spawn(async move {
            let _turn = gate.acquire().await.unwrap();
            let target = Target::ForBid(money(number as i64 / 10 + 1));
            bench.set(&book(u128::from(number % 10)), ann, target).await.map(|set| set.moved.minor_units())
        });
    }
    let mut moved = 0;
    while let Some(set) = asked.join_next().await {
        match set.unwrap() {
            Ok(amount) => moved += amount,
            Err(Refusal::Insufficient { .. }) => {}
            Err(refusal) => panic!("{refusal}"),
        }
    }
    let (available, held) = bench.wallet(ann).await;
    assert_eq!(available + held, gross(most) * 9 + 5, "no money comes or goes");
    assert_eq!(held, moved, "what is held is what was moved");
    assert!(available < 5 + gross(most) && held > 0, "{available} available, {held} held");
    bench.assert_balanced().await;
}
