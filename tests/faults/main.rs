//! The program under power cuts, pauses and orderly stops: what was acknowledged is never lost, and nothing is doubled.
//!
//! `BIDHUB_SEED` repeats a run, `BIDHUB_LONG=1` makes it longer.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod bidders;
#[path = "../support/log.rs"]
mod log;
mod process;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/socket.rs"]
mod socket_client;

mod kills;
mod one_process;
mod pauses;

/// True if there is time for the long variants.
pub fn long() -> bool {
    std::env::var("BIDHUB_LONG").is_ok_and(|value| value == "1")
}

/// The seed of this run, said aloud.
pub fn seed() -> u64 {
    let seed = std::env::var("BIDHUB_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| bidhub::chance::Chance::System.below(1 << 32));
    println!("BIDHUB_SEED={seed}");
    seed
}
