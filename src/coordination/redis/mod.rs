//! Coordination of many nodes by Redis: [`RedisLeases`] says who runs which room, [`RedisBus`] carries messages and knows
//! who is there, [`time`] keeps one clock for all, [`pulse`] knows when nobody was there.
//!
//! What decides (leases, presence, time) goes by `persistence::redis`, which hides no retry. What only tells (channels) goes
//! by the one module [`wire`], which reconnects by itself and may lose messages. Nothing here reads or writes a log.

pub mod bus;
pub mod client;
pub mod follow;
pub mod keys;
pub mod leases;
pub mod message;
pub mod presence;
pub mod pulse;
pub mod time;

mod notices;
mod probe;
mod renewal;
mod wire;

use std::time::Duration;

use ::redis::Script;
use tokio_util::sync::CancellationToken;

pub use bus::{BusSettings, RedisBus};
pub use leases::{LeaseSettings, RedisLeases};
pub use presence::{Figures, NodeInfo, nodes};

/// How long what is kept of an auction outlives the last word about it, in milliseconds.
const META_LIFE_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// A script without arguments.
const NOTHING: &[&str] = &[];

/// A script of this module.
macro_rules! lua {
    ($name:literal) => {
        ::redis::Script::new(include_str!(concat!("lua/", $name, ".lua")))
    };
}
use lua;

/// Every script is read and hashed once.
struct Scripts {
    acquire: Script,
    release: Script,
    renew: Script,
    task: Script,
}

impl Scripts {
    fn new() -> Self {
        Self { acquire: lua!("acquire"), release: lua!("release"), renew: lua!("renew"), task: lua!("task") }
    }
}

/// Runs `work` every `period` until `stop`. Work that takes longer delays the next run.
async fn every<F: Future<Output = ()>>(period: Duration, stop: &CancellationToken, mut work: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => work().await,
        }
    }
}

/// `duration` in whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
