//! The cache: of one process, and of nodes that share what they have looked up. One contract for both, then what only many
//! nodes can get wrong, over a real Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::cmd;
use bidhub::cache::{Cache, Key, Kind, Parts, Shared, Tag};
use bidhub::chance::Chance;
use bidhub::clock::Clock;
use tokio::sync::Barrier;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::{World, node, soon, until};

const KIND: Kind = Kind { name: "test", version: 1, ttl: Duration::from_secs(20) };
/// Of a kind that is kept for a moment only.
const BRIEF: Kind = Kind { name: "brief", version: 1, ttl: Duration::from_millis(50) };

/// What the database would say: how often it was asked, and the number that it holds.
#[derive(Default)]
struct Source {
    asked: AtomicU64,
    value: AtomicU64,
}

impl Source {
    async fn load(&self) -> Result<Option<u64>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Some(self.value.load(Ordering::SeqCst)))
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn set(&self, value: u64) {
        self.value.store(value, Ordering::SeqCst);
    }
}

async fn alone() -> Cache {
    let parts = Parts { bytes: 1 << 20, others: None, clock: Clock::System, chance: Chance::System };
    let (cache, listening) = Cache::new(parts, CancellationToken::new());
    tokio::spawn(listening);
    cache
}

/// A node with a cache of its own.
async fn at(world: &World, number: u128) -> (Cache, Vec<DropGuard>) {
    let (bus, stop) = world.bus(node(number)).await;
    let shared = Shared::connecting(&world.server.url().parse().unwrap(), None).unwrap();
    until("it is connected", async || shared.is_connected()).await;
    let parts =
        Parts { bytes: 1 << 20, others: Some((Arc::new(shared), bus)), clock: Clock::System, chance: Chance::System };
    let end = CancellationToken::new();
    let (cache, listening) = Cache::new(parts, end.clone());
    tokio::spawn(listening);
    (cache, vec![stop.drop_guard(), end.drop_guard()])
}

fn tag() -> Tag {
    Tag::one("thing", 7)
}

fn key(asked: u32) -> Key<u64> {
    Key::new(&KIND, tag(), &asked)
}

async fn get(cache: &Cache, source: &Source) -> u64 {
    cache.get_or_load(&key(1), || source.load()).await.unwrap().unwrap()
}

/// What every cache promises.
async fn contract(cache: Cache) {
    let source = Source::default();
    for _ in 0..5 {
        assert_eq!(get(&cache, &source).await, 0);
    }
    assert_eq!(source.asked(), 1, "it is looked up once");
    source.set(1);
    cache.forgetting(vec![tag()]).now().await;
    assert_eq!((get(&cache, &source).await, source.asked()), (1, 2), "a change shows at once where it was made");

    // A promise is kept however whoever made it ends.
    source.set(2);
    drop(cache.forgetting(vec![tag()]));
    until("the change shows", async || get(&cache, &source).await == 2).await;

    // What is not there, and what cannot be looked up, is not kept.
    for _ in 0..2 {
        assert_eq!(cache.get_or_load(&key(2), async || Ok::<_, String>(None)).await, Ok(None));
        let failed = cache.get_or_load(&key(2), async || Err("the disk is full".to_owned())).await;
        assert_eq!(failed, Err("the disk is full".to_owned()));
    }
    assert_eq!(cache.get_or_load(&key(2), async || Ok::<_, String>(Some(5))).await, Ok(Some(5)));

    // A crowd that misses together looks it up once.
    let source = Arc::new(Source::default());
    let (gate, key) = (Arc::new(Barrier::new(101)), Arc::new(key(3)));
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let (cache, source, gate, key) = (cache.clone(), source.clone(), gate.clone(), key.clone());
            tokio::spawn(async move {
                gate.wait().await;
                let slow = async || {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    source.load().await
                };
                cache.get_or_load(&key, slow).await.unwrap()
            })
        })
        .collect();
    gate.wait().await;
    for one in crowd {
        assert_eq!(one.await.unwrap(), Some(0));
    }
    assert_eq!(source.asked(), 1);
    late_look_up(&cache, &cache).await;
}

/// A look-up at `reader` that began before a change at `writer` and ends after it: it must not hide the change.
async fn late_look_up(reader: &Cache, writer: &Cache) {
    let source = Arc::new(Source::default());
    let (began, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let slow = {
        let (cache, source) = (reader.clone(), source.clone());
        let (began, go_on) = (began.clone(), go_on.clone());
        tokio::spawn(async move {
            let load = async || {
                let old = source.load().await;
                began.wait().await;
                go_on.wait().await;
                old
            };
            cache.get_or_load(&key(4), load).await
        })
    };
    soon(began.wait()).await;
    source.set(1);
    writer.forgetting(vec![tag()]).now().await;
    let here = writer.get_or_load(&key(4), || source.load()).await;
    assert_eq!(here, Ok(Some(1)), "who asks after the change does not wait for who asked before it");
    soon(go_on.wait()).await;
    assert_eq!(soon(slow).await.unwrap(), Ok(Some(0)), "the slow one has what there was when it asked");
    // Time for what it found to be written wherever it would be.
    tokio::time::sleep(Duration::from_millis(100)).await;
    for cache in [writer, reader] {
        until("the change shows", async || cache.get_or_load(&key(4), || source.load()).await == Ok(Some(1))).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let again = cache.get_or_load(&key(4), || source.load()).await;
        assert_eq!(again, Ok(Some(1)), "and stays, also once it is read from the others");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_of_one_process_keeps_the_contract() {
    contract(alone().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_of_many_nodes_keeps_the_contract() {
    let Some(world) = World::new().await else { return };
    let (cache, _stop) = at(&world, 1).await;
    contract(cache).await;
}

#[tokio::test]
async fn a_cache_that_is_off_looks_everything_up() {
    let source = Source::default();
    let cache = Cache::off();
    cache.forgetting(vec![tag()]).now().await;
    assert_eq!((get(&cache, &source).await, get(&cache, &source).await, source.asked()), (0, 0, 2));
}

#[tokio::test]
async fn what_nobody_says_is_forgotten_in_time() {
    let (cache, source) = (alone().await, Source::default());
    let key = Key::<u64>::new(&BRIEF, tag(), &1);
    let ask = async || cache.get_or_load(&key, || source.load()).await.unwrap();
    assert_eq!(ask().await, Some(0));
    source.set(1);
    until("it is looked up anew", async || ask().await == Some(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_has_looked_up_the_other_need_not_and_a_change_shows_at_both_within_a_second() {
    let Some(world) = World::new().await else { return };
    let ((ada, _one), (bob, _two)) = (at(&world, 1).await, at(&world, 2).await);
    let source = Source::default();
    assert_eq!(get(&ada, &source).await, 0);
    until("it is shared", async || kept(&world).await == 1).await;
    assert_eq!((get(&bob, &source).await, source.asked()), (0, 1), "bob has it from ada");
    for value in 1..=5 {
        source.set(value);
        ada.forgetting(vec![tag()]).now().await;
        let changed = Instant::now();
        until("bob sees it", async || get(&bob, &source).await == value).await;
        assert!(changed.elapsed() < Duration::from_secs(1), "{:?}", changed.elapsed());
        assert_eq!(get(&ada, &source).await, value);
    }
    late_look_up(&ada, &bob).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_is_lost_hides_a_change_for_a_second_at_most() {
    let Some(world) = World::new().await else { return };
    let ((ada, _one), (bob, _two)) = (at(&world, 1).await, at(&world, 2).await);
    let source = Source::default();
    assert_eq!((get(&ada, &source).await, get(&bob, &source).await), (0, 0));
    // As another node writes it whose word does not come through.
    source.set(1);
    let place = "bidhub:cache:{thing:7}:generation";
    let () = world.redis.run(cmd("SET").arg(place).arg("another")).await.unwrap();
    let changed = Instant::now();
    until("both see it", async || get(&ada, &source).await == 1 && get(&bob, &source).await == 1).await;
    assert!(changed.elapsed() < Duration::from_millis(1_500), "{:?}", changed.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_slows_and_what_changed_meanwhile_is_not_shown_when_it_is_back() {
    let Some(mut world) = World::new().await else { return };
    let (cache, _stop) = at(&world, 1).await;
    let source = Source::default();
    assert_eq!(get(&cache, &source).await, 0);
    until("it is shared", async || kept(&world).await == 1).await;
    world.server.stop();
    source.set(1);
    let began = Instant::now();
    cache.forgetting(vec![tag()]).now().await;
    assert_eq!(get(&cache, &source).await, 1, "it is looked up");
    for asked in 100..150 {
        let found = cache.get_or_load(&key(asked), || source.load()).await;
        assert_eq!(found, Ok(Some(1)));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for Redis each time: {:?}", began.elapsed());
    world.server.restart().await;
    let (other, _other) = at(&world, 2).await;
    until("another node sees the change", async || get(&other, &source).await == 1).await;
    assert_eq!(get(&cache, &source).await, 1);
}

/// How many values the nodes keep together under the first question.
async fn kept(world: &World) -> usize {
    let keys: Vec<String> = world.redis.run(cmd("KEYS").arg("bidhub:cache:*:test:1:*")).await.unwrap_or_default();
    keys.len()
}
