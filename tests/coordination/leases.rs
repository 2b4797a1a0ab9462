//! Who may run a room, among many nodes: one at a time, with a greater epoch each time, and not beyond the lease.

use std::time::Duration;

use ::redis::cmd;
use bidhub::clock::Clock;
use bidhub::coordination::{LeaseError, Leases, News};
use bidhub::domain::{Span, Timestamp};

use crate::world::{TTL, World, auction, node, soon, until};

fn key(number: u128, end: &str) -> String {
    format!("bidhub:{{{}}}:{end}", auction(number))
}

#[tokio::test]
async fn only_one_node_holds_a_room_and_it_is_renewed_as_long_as_it_lives() {
    let Some(world) = World::new().await else { return };
    let ((ada, ada_stop), (bob, _bob)) = (world.leases(node(1)), world.leases(node(2)));
    let held = ada.acquire(auction(1), 0).await.unwrap();
    assert_eq!(bob.acquire(auction(1), 0).await.map(|it| it.lease), Err(LeaseError::Held(node(1))));
    assert_eq!(bob.owner(auction(1)).await, Ok(Some(node(1))));
    let alive = held.alive_at();
    until("it was renewed", async || held.alive_at() > alive).await;
    tokio::time::sleep(TTL).await;
    assert_eq!(bob.acquire(auction(1), 0).await.map(|it| it.lease), Err(LeaseError::Held(node(1))));
    // Its process dies: the room is free when the lease has run out, and not before the holder has fallen silent.
    ada_stop.cancel();
    let mut taken = None;
    until("the lease runs out", async || bob.owner(auction(1)).await == Ok(None)).await;
    assert!(!held.speaks(), "the holder fell silent before");
    until("the next one has it", async || {
        taken = bob.acquire(auction(1), 0).await.ok();
        taken.is_some()
    })
    .await;
    let taken = taken.unwrap();
    assert!(taken.speaks() && taken.lease.epoch > held.lease.epoch);
}

#[tokio::test]
async fn epochs_grow_beyond_the_floor_even_if_redis_forgot_everything() {
    let Some(world) = World::new().await else { return };
    let (ada, _stop) = world.leases(node(1));
    assert_eq!(ada.acquire(auction(1), 0).await.unwrap().lease.epoch, 1);
    assert_eq!(ada.acquire(auction(1), 0).await.unwrap().lease.epoch, 2);
    assert_eq!(ada.acquire(auction(1), 40).await.unwrap().lease.epoch, 41);
    let _: () = world.redis.run(&cmd("FLUSHALL")).await.unwrap();
    assert_eq!(ada.acquire(auction(1), 41).await.unwrap().lease.epoch, 42);
}

#[tokio::test]
async fn a_lease_that_is_gone_or_anothers_is_revoked_and_never_made_again() {
    let Some(world) = World::new().await else { return };
    let (ada, _stop) = world.leases(node(1));
    let (gone, fenced) = (ada.acquire(auction(1), 0).await.unwrap(), ada.acquire(auction(2), 0).await.unwrap());
    let theirs = "7:00000000-0000-0000-0000-000000000002:0000000000000001";
    let _: i64 = world.redis.run(cmd("DEL").arg(key(1, "lease"))).await.unwrap();
    let _: () = world.redis.run(cmd("SET").arg(key(2, "lease")).arg(theirs)).await.unwrap();
    until("both are revoked", async || !gone.speaks() && !fenced.speaks() && ada.held() == 0).await;
    assert!(!gone.deserves_renewal(TTL) && !fenced.deserves_renewal(TTL));
    assert_eq!(ada.owner(auction(1)).await, Ok(None));
    assert_eq!(ada.owner(auction(2)).await, Ok(Some(node(2))));
    ada.release(auction(2), &fenced, None).await;
    assert_eq!(ada.owner(auction(2)).await, Ok(Some(node(2))), "what is not held is not given back");
}

#[tokio::test]
async fn a_stuck_room_and_a_forgotten_one_are_not_renewed() {
    let Some(world) = World::new().await else { return };
    let (ada, _stop) = world.leases(node(1));
    let stuck = ada.acquire(auction(1), 0).await.unwrap();
    let forgotten = ada.acquire(auction(2), 0).await.unwrap();
    let held = ada.acquire(auction(3), 0).await.unwrap();
    stuck.work(true);
    drop(forgotten);
    for number in [1, 2] {
        until("the lease runs out", async || ada.owner(auction(number)).await == Ok(None)).await;
    }
    assert!(!stuck.speaks() && held.speaks());
    assert_eq!(ada.owner(auction(3)).await, Ok(Some(node(1))));
}

#[tokio::test]
async fn a_room_let_go_is_the_next_ones_at_once_and_its_followers_hear_it() {
    let Some(world) = World::new().await else { return };
    let ((ada, _ada), (bob, _bob)) = (world.leases(node(1)), world.leases(node(2)));
    let (bus, stop) = world.bus(node(2)).await;
    let mut news = soon(bidhub::coordination::Bus::follow(&*bus, auction(1))).await.unwrap();
    let held = ada.acquire(auction(1), 0).await.unwrap();
    ada.release(auction(1), &held, Some(Timestamp::from_millis(70))).await;
    assert!(!held.speaks());
    assert_eq!(soon(news.recv()).await, Some(News::Released));
    let released: String = world.redis.run(cmd("HGET").arg(key(1, "meta")).arg("released")).await.unwrap();
    assert_eq!(released, "1");
    let next = bob.acquire(auction(1), 0).await.unwrap();
    assert!(next.lease.epoch > held.lease.epoch);
    assert_eq!(bob.unattended(Timestamp::from_millis(70), 10).await, Ok(vec![auction(1)]));
    stop.cancel();
}

#[tokio::test]
async fn followers_hear_who_runs_a_room_and_where_its_log_ends() {
    let Some(world) = World::new().await else { return };
    let (ada, _ada) = world.leases(node(1));
    let (bus, stop) = world.bus(node(2)).await;
    let mut news = soon(bidhub::coordination::Bus::follow(&*bus, auction(1))).await.unwrap();
    let held = ada.acquire(auction(1), 0).await.unwrap();
    let _: i64 = (world.redis)
        .run(cmd("HSET").arg(key(1, "meta")).arg("seq").arg(12).arg("digest").arg(&[0xab_u8; 32][..]))
        .await
        .unwrap();
    let Some(News::Alive(lease, head)) = soon(news.recv()).await else { panic!("not alive") };
    assert_eq!((lease, head.seq.0, head.digest.0), (held.lease, 12, [0xab; 32]));
    stop.cancel();
}

#[tokio::test]
async fn the_last_sign_of_the_owner_before_is_kept_until_the_log_is_made_ready() {
    let Some(world) = World::new().await else { return };
    let (ada, ada_stop) = world.leases(node(1));
    let field = async |name: &'static str| {
        world.redis.run::<Option<i64>>(cmd("HGET").arg(key(1, "meta")).arg(name)).await.unwrap()
    };
    let held = ada.acquire(auction(1), 0).await.unwrap();
    until("it was renewed", async || field("alive_at").await.is_some()).await;
    ada_stop.cancel();
    until("the lease runs out", async || ada.owner(auction(1)).await == Ok(None)).await;
    drop(held);
    let last = field("alive_at").await;
    let (bob, _bob) = world.leases(node(2));
    let held = bob.acquire(auction(1), 0).await.unwrap();
    let since = held.alive_at();
    until("it was renewed", async || held.alive_at() > since).await;
    until("renewals count again", async || field("alive_at").await > last).await;
    assert_eq!(field("silent_since").await, last, "however often it is renewed");
    bob.release(auction(1), &held, None).await;
    assert_eq!(field("silent_since").await, None, "who lets go in good order leaves no silence");
}

#[tokio::test]
async fn what_must_be_looked_at_comes_in_order_and_a_held_room_is_put_off() {
    let Some(world) = World::new().await else { return };
    let (ada, _stop) = world.leases(node(1));
    let at = Timestamp::from_millis;
    for (number, wake_at) in [(3, 30), (1, 10), (2, 20), (4, 4_000_000_000_000)] {
        ada.attend(auction(number), at(wake_at)).await.unwrap();
    }
    assert_eq!(ada.unattended(at(30), 2).await, Ok(vec![auction(1), auction(2)]));
    assert_eq!(ada.unattended(at(30), 10).await, Ok(vec![auction(1), auction(2), auction(3)]));
    let held = ada.acquire(auction(1), 0).await.unwrap();
    let _also = ada.acquire(auction(9), 0).await.unwrap();
    until("it is put off", async || ada.unattended(at(30), 10).await == Ok(vec![auction(2), auction(3)])).await;
    let later = Clock::System.now().plus(Span::from_secs(60));
    let known = ada.unattended(later, 10).await.unwrap();
    assert!(known.contains(&auction(1)) && !known.contains(&auction(9)), "only what was to be looked at: {known:?}");
    ada.release(auction(1), &held, None).await;
    assert!(!ada.unattended(later, 10).await.unwrap().contains(&auction(1)));
}

#[tokio::test]
async fn a_task_moves_on_when_its_node_no_longer_asks() {
    let Some(world) = World::new().await else { return };
    let ((ada, _ada), (bob, _bob)) = (world.leases(node(1)), world.leases(node(2)));
    assert_eq!((ada.task("sweep").await, bob.task("sweep").await), (Ok(true), Ok(false)));
    assert_eq!(bob.task("mail").await, Ok(true), "each task by itself");
    until("it is the other one's", async || bob.task("sweep").await == Ok(true)).await;
    assert_eq!(ada.task("sweep").await, Ok(false));
}

#[tokio::test]
async fn without_redis_nobody_speaks_for_longer_than_the_lease() {
    let Some(world) = World::new().await else { return };
    let (ada, _stop) = world.leases_with(node(1), Duration::from_secs(1));
    let held = ada.acquire(auction(1), 0).await.unwrap();
    world.server.pause();
    until("it falls silent", async || !held.speaks()).await;
    assert!(matches!(soon(ada.acquire(auction(2), 0)).await, Err(LeaseError::Unavailable(_))));
    world.server.resume();
    until("rooms can be had again", async || ada.acquire(auction(3), 0).await.is_ok()).await;
}
