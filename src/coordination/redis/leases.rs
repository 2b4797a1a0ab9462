//! Leases kept in Redis: a key with a life of its own for each room, compared whole wherever it is changed.
//!
//! A lease that ran out is never made again by a renewal: only [`Leases::acquire`] grants one, under a new epoch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::cmd;
use tokio_util::sync::CancellationToken;

use super::renewal::{Renewal, Rights};
use super::{META_LIFE_MS, Scripts, keys, millis};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::{Holding, LeaseError, Leases};
use crate::domain::{AuctionId, NodeId, Timestamp};
use crate::journal::Lease;
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// The longest time by which a holder falls silent before its lease ends.
const MARGIN_MAX: Duration = Duration::from_secs(1);

/// For whom, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// This node.
    pub node: NodeId,
    /// How long a lease lasts without being renewed. It is renewed three times as often.
    pub ttl: Duration,
    /// How long a task is this node's without being asked for again.
    pub task_ttl: Duration,
}

impl LeaseSettings {
    /// What is usual for `node`.
    pub fn new(node: NodeId) -> Self {
        Self { node, ttl: Duration::from_secs(5), task_ttl: Duration::from_secs(10) }
    }

    /// How long a renewal lets its holder speak: it falls silent before another can have the room.
    pub fn term(&self) -> Duration {
        self.ttl.saturating_sub(MARGIN_MAX.min(self.ttl / 5))
    }
}

/// The leases of a hub of many nodes.
pub struct RedisLeases {
    settings: LeaseSettings,
    redis: Redis,
    scripts: Scripts,
    clock: Clock,
    chance: Chance,
    rights: Arc<Rights>,
    /// By whom a task is done: this node in this life.
    who: String,
}

impl RedisLeases {
    /// Leases for one node. What it holds is renewed until `stop` by way of `renewals`, which nothing else should use.
    pub fn start(
        settings: LeaseSettings,
        redis: Redis,
        renewals: Redis,
        (clock, chance): (Clock, Chance),
        stop: CancellationToken,
    ) -> Self {
        let rights = Arc::new(Rights::default());
        let renewal = Renewal::new(settings, renewals, clock.clone(), chance.clone(), rights.clone());
        tokio::spawn(renewal.run(stop));
        let who = format!("{}:{}", settings.node, hex::encode(chance.bytes::<8>()));
        Self { settings, redis, scripts: Scripts::new(), clock, chance, rights, who }
    }

    /// How many rooms this node holds.
    pub fn held(&self) -> usize {
        self.rights.len()
    }

    /// Some of the rooms that this node holds, up to `limit` of them.
    pub fn some_held(&self, limit: usize) -> Vec<AuctionId> {
        self.rights.some(limit)
    }

    async fn set_attend(&self, auction: AuctionId, wake_at: Timestamp) -> Result<(), RedisError> {
        self.redis.run(cmd("ZADD").arg(keys::ATTEND).arg(wake_at.millis()).arg(auction.to_string())).await
    }

    async fn try_release(
        &self,
        auction: AuctionId,
        lease: Lease,
        wake_at: Option<Timestamp>,
    ) -> Result<bool, RedisError> {
        // A round of renewals that still knows the room must not put its own time over `wake_at`.
        let _calm = self.rights.settle().await;
        let [lease_key, meta] = [keys::lease(auction), keys::meta(auction)];
        let args = (lease.to_string(), keys::news(auction));
        let released: i64 = self.redis.script(&self.scripts.release, &[&lease_key, &meta], args).await?;
        if released == 0 {
            return Ok(false);
        }
        match wake_at {
            Some(at) => self.set_attend(auction, at).await?,
            None => self.redis.run(cmd("ZREM").arg(keys::ATTEND).arg(auction.to_string())).await?,
        }
        Ok(true)
    }
}

#[async_trait::async_trait]
impl Leases for RedisLeases {
    async fn acquire(&self, auction: AuctionId, floor: u64) -> Result<Holding, LeaseError> {
        let (sent, at) = (Instant::now(), self.clock.now());
        let [lease_key, meta] = [keys::lease(auction), keys::meta(auction)];
        let LeaseSettings { node, ttl, .. } = self.settings;
        let nonce = hex::encode(self.chance.bytes::<8>());
        let args = (node.to_string(), floor, nonce, millis(ttl), META_LIFE_MS);
        let (kind, text): (String, String) =
            self.redis.script(&self.scripts.acquire, &[&lease_key, &meta], args).await.map_err(unavailable)?;
        let lease: Lease = text.parse().map_err(|error| LeaseError::Unavailable(format!("{text:?}: {error}")))?;
        let kind = match kind.as_str() {
            "held" => return Err(LeaseError::Held(NodeId(lease.holder))),
            "handed_over" => "handed_over",
            "expired" => "expired",
            "mine" => "mine",
            _ => "free",
        };
        if kind != "mine" {
            metrics::counter!("bidhub_takeovers_total", "kind" => kind).increment(1);
        }
        let holding = Holding::expiring(lease, self.settings.term(), sent, at);
        self.rights.take(auction, &holding);
        Ok(holding)
    }

    async fn release(&self, auction: AuctionId, holding: &Holding, wake_at: Option<Timestamp>) {
        holding.revoke();
        self.rights.let_go(auction, holding.lease);
        match self.try_release(auction, holding.lease, wake_at).await {
            Ok(true) => {}
            Ok(false) => tracing::info!(%auction, "the lease of auction {auction} was gone before it was given back"),
            Err(error) => {
                tracing::warn!(%auction, %error, "auction {auction} was not let go, its lease runs out by itself: {error}");
            }
        }
    }

    async fn owner(&self, auction: AuctionId) -> Result<Option<NodeId>, LeaseError> {
        let text: Option<String> = self.redis.run(cmd("GET").arg(keys::lease(auction))).await.map_err(unavailable)?;
        let lease = |text: String| text.parse().map_err(|_| LeaseError::Unavailable(format!("{text:?} is no lease")));
        Ok(text.map(lease).transpose()?.map(|lease: Lease| NodeId(lease.holder)))
    }

    async fn unattended(&self, by: Timestamp, limit: usize) -> Result<Vec<AuctionId>, LeaseError> {
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(keys::ATTEND).arg("-inf").arg(by.millis()).arg("LIMIT").arg(0).arg(limit);
        let found: Vec<String> = self.redis.run(&range).await.map_err(unavailable)?;
        Ok(found.iter().filter_map(|auction| auction.parse().ok()).collect())
    }

    async fn attend(&self, auction: AuctionId, wake_at: Timestamp) -> Result<(), LeaseError> {
        self.set_attend(auction, wake_at).await.map_err(unavailable)
    }

    async fn task(&self, task: &'static str) -> Result<bool, LeaseError> {
        let args = (&self.who, millis(self.settings.task_ttl));
        let mine: i64 = self.redis.script(&self.scripts.task, &[&keys::task(task)], args).await.map_err(unavailable)?;
        Ok(mine == 1)
    }
}

fn unavailable(error: RedisError) -> LeaseError {
    LeaseError::Unavailable(error.to_string())
}
