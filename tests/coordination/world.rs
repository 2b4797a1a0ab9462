//! Nodes of a test, all in this process, over one Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::coordination::redis::{BusSettings, Figures, LeaseSettings, RedisBus, RedisLeases};
use bidhub::domain::{AuctionId, NodeId, Timestamp};
use bidhub::persistence::Redis;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::redis::Server;

/// Longer than anything should take, however slow the machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a lease of the tests lasts.
pub const TTL: Duration = Duration::from_millis(1_500);
const PAUSE: Duration = Duration::from_millis(10);

/// A Redis and the nodes over it.
pub struct World {
    pub server: Server,
    pub redis: Redis,
}

impl World {
    /// None, said aloud, where Redis is not installed.
    pub async fn new() -> Option<Self> {
        let server = Server::start().await?;
        let redis = connect(&server.url());
        Some(Self { server, redis })
    }

    /// The leases of a node, renewed until the token is cancelled.
    pub fn leases(&self, node: NodeId) -> (RedisLeases, CancellationToken) {
        self.leases_with(node, TTL)
    }

    pub fn leases_with(&self, node: NodeId, ttl: Duration) -> (RedisLeases, CancellationToken) {
        let stop = CancellationToken::new();
        let settings = LeaseSettings { node, ttl, task_ttl: TTL };
        let redis = connect(&self.server.url());
        let world = (Clock::System, Chance::System);
        (RedisLeases::start(settings, redis, connect(&self.server.url()), world, stop.clone()), stop)
    }

    /// The bus of a node that is there until the token is cancelled.
    pub async fn bus(&self, node: NodeId) -> (Arc<RedisBus>, CancellationToken) {
        let stop = CancellationToken::new();
        let mut settings = BusSettings::new(node, Timestamp::from_millis(1_000), self.server.url().parse().unwrap());
        settings.name = Some("ada".to_owned());
        settings.beat = Duration::from_millis(300);
        settings.timeout = Duration::from_secs(1);
        let figures = || Figures { rooms_owned: 3, ..Figures::default() };
        let bus = RedisBus::start(settings, self.redis.clone(), Arc::new(figures), stop.clone()).await.unwrap();
        (bus, stop)
    }
}

pub fn connect(url: &str) -> Redis {
    Redis::new(&url.parse().unwrap(), None, Duration::from_secs(1)).unwrap()
}

pub fn node(number: u128) -> NodeId {
    NodeId(Uuid::from_u128(number))
}

pub fn auction(number: u128) -> AuctionId {
    AuctionId(Uuid::from_u128(number))
}

/// Gives what comes in time.
#[track_caller]
pub fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let result = tokio::time::timeout(PATIENCE, future).await;
        result.unwrap_or_else(|_| panic!("{place}: nothing came in time"))
    }
}

/// Asks until the answer is yes.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened().await {
        assert!(Instant::now() < end, "it never came about that {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
