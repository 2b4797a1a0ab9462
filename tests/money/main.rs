//! Money under every order of things: bids, raises, lowerings, deposits and withdrawals in many auctions at once, with
//! messages that are late, twice or lost and processes that die between any two steps. After every step nobody has more
//! allowed than is set aside, and in the end every cent is where it must be.
//!
//! `BIDHUB_SEED` repeats a run, `BIDHUB_LONG=1` makes many more.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

#[path = "../support/deposits.rs"]
mod deposits;
mod dice;
mod hunt;
mod invariants;
mod look;
mod people;
mod projector;
mod recovery;
mod room;
mod steps;
mod tasks;
mod world;

use std::sync::Arc;

use hunt::Hunt;

/// How many runs are made everyday, and how many where there is time.
const RUNS: (u64, u64) = (250, 6_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_nothing_is_allowed_that_is_not_set_aside() {
    let named = std::env::var("BIDHUB_SEED").ok().map(|seed| seed.parse::<u64>().expect("BIDHUB_SEED is a number"));
    let long = std::env::var("BIDHUB_LONG").is_ok_and(|value| value == "1");
    let hunt = Arc::new(Hunt::new().await);
    match named {
        Some(seed) => hunt.over(seed, 1).await,
        None => hunt.over(bidhub::chance::Chance::System.below(1 << 32), if long { RUNS.1 } else { RUNS.0 }).await,
    }
}
