//! Many nodes under faults: power cuts, pauses, partitions, lost replies, failovers. What was acknowledged is never lost
//! and nothing is doubled, and everyone who watches sees the same history.
//!
//! `BIDHUB_SEED` repeats the choices of a run, `BIDHUB_LONG=1` makes it longer, `BIDHUB_SWARM_S` says for how long faults
//! come at random.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod bidder;
mod checker;
mod checker_tests;
mod cluster;
mod crowd;
mod history;
mod node;
#[path = "../support/postgres.rs"]
mod postgres;
mod proxy;
mod proxy_tests;
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/redis/mod.rs"]
mod redis;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/socket.rs"]
mod socket_client;
mod truth;
mod watcher;

mod archives;
mod caches;
mod crashes;
mod customers;
mod deploys;
mod erasures;
mod failovers;
mod images;
mod load;
mod money;
mod news;
mod notices;
mod notifications;
mod partitions;
mod restarts;
mod sessions;
mod slots;
mod swarm;
mod talk;
mod webhooks;

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
