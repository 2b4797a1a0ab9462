//! One clock for all nodes, and the pulse of the whole hub.

use std::sync::Arc;
use std::time::Duration;

use ::redis::cmd;
use bidhub::clock::{Clock, Offset};
use bidhub::coordination::redis::pulse::{self, PulseSettings};
use bidhub::coordination::redis::time::SharedTime;
use bidhub::domain::Timestamp;
use bidhub::journal::redis::outages_after;
use tokio_util::sync::CancellationToken;

use crate::world::{World, until};

#[tokio::test]
async fn the_clock_follows_the_one_of_redis() {
    let Some(world) = World::new().await else { return };
    let (offset, stop) = (Arc::new(Offset::default()), CancellationToken::new());
    offset.set(-90_000);
    SharedTime::start(world.redis.clone(), offset.clone(), stop.clone()).await.unwrap();
    // The server runs on the same machine, so the difference is only what the measurement may have wrong.
    assert!(offset.millis().abs() < 1_000, "{}", offset.millis());
    offset.set(3_600_000);
    until("a great difference is gone", async || offset.millis().abs() < 1_000).await;
    offset.set(300);
    until("a small one goes", async || offset.millis() < 300).await;
    let (shared, own) = (Clock::Shared(offset.clone()).now(), Clock::System.now());
    assert!((shared.millis() - own.millis()).abs() < 5_000);
    stop.cancel();
}

#[tokio::test]
async fn a_pause_of_the_whole_hub_is_noted_once() {
    let Some(world) = World::new().await else { return };
    let settings = PulseSettings { beat: Duration::from_millis(50), pause: Duration::from_secs(3) };
    let start = Timestamp::from_millis(0);
    let now = Clock::System.now().millis();
    let _: () = world.redis.run(cmd("SET").arg("bidhub:pulse").arg(now - 60_000)).await.unwrap();
    let stop = CancellationToken::new();
    for _ in 0..3 {
        pulse::start(settings, world.redis.clone(), stop.clone());
    }
    until("the pause is noted", async || !outages_after(&world.redis, start).await.unwrap().is_empty()).await;
    let beaten: i64 = world.redis.run(cmd("GET").arg("bidhub:pulse")).await.unwrap();
    until("the pulse goes on", async || world.redis.run::<i64>(cmd("GET").arg("bidhub:pulse")).await.unwrap() > beaten)
        .await;
    stop.cancel();
    let outages = outages_after(&world.redis, start).await.unwrap();
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert_eq!(outages[0].from.millis(), now - 60_000);
    assert!(outages[0].until.millis() >= now - 1_000);
    assert!(outages_after(&world.redis, outages[0].until).await.unwrap().is_empty());
}
