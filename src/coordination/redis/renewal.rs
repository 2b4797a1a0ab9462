//! Keeps the rights of this node alive, three times as often as they would run out, and finds those that are gone.
//!
//! It works on a connection of its own, so that no slow answer to anything else delays it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::cmd;
use futures_util::StreamExt;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_util::sync::CancellationToken;

use super::leases::LeaseSettings;
use super::{META_LIFE_MS, Scripts, keys, millis};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::{Holding, WeakHolding};
use crate::domain::{AuctionId, Span};
use crate::journal::Lease;
use crate::persistence::redis::Redis;

/// How many renewals are under way at once.
const AT_ONCE: usize = 256;
/// How many auctions one command bumps.
const BUMPED_AT_ONCE: usize = 1_000;

/// What this node holds. It keeps nothing alive: a room that forgot its right is not renewed.
#[derive(Default)]
pub(super) struct Rights {
    held: Mutex<HashMap<AuctionId, WeakHolding>>,
    /// Written by a round of renewals while it says when its rooms must be looked at; read by whoever says otherwise.
    bumping: RwLock<()>,
}

impl Rights {
    /// A right just acquired; the one before, if there is one, is void.
    pub fn take(&self, auction: AuctionId, holding: &Holding) {
        let before = self.lock().insert(auction, holding.downgrade());
        if let Some(before) = before.and_then(|before| before.upgrade()) {
            before.revoke();
        }
    }

    /// This right is no longer held.
    pub fn let_go(&self, auction: AuctionId, lease: Lease) {
        let mut held = self.lock();
        if held.get(&auction).is_some_and(|holding| holding.lease == lease) {
            held.remove(&auction);
        }
    }

    /// Waits for a round that is saying when its rooms must be looked at, and holds the next one off.
    pub async fn settle(&self) -> RwLockReadGuard<'_, ()> {
        self.bumping.read().await
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn some(&self, limit: usize) -> Vec<AuctionId> {
        self.lock().keys().take(limit).copied().collect()
    }

    /// What is still known to its room; the rest is forgotten.
    fn living(&self) -> Vec<(AuctionId, Holding)> {
        let mut living = Vec::new();
        self.lock().retain(|auction, weak| {
            let holding = weak.upgrade();
            let lives = holding.is_some();
            living.extend(holding.map(|holding| (*auction, holding)));
            lives
        });
        living
    }

    fn holds(&self, auction: AuctionId, lease: Lease) -> bool {
        self.lock().get(&auction).is_some_and(|holding| holding.lease == lease)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AuctionId, WeakHolding>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work of renewing.
pub(super) struct Renewal {
    settings: LeaseSettings,
    redis: Redis,
    scripts: Scripts,
    clock: Clock,
    chance: Chance,
    rights: Arc<Rights>,
}

impl Renewal {
    pub fn new(settings: LeaseSettings, redis: Redis, clock: Clock, chance: Chance, rights: Arc<Rights>) -> Self {
        Self { settings, redis, scripts: Scripts::new(), clock, chance, rights }
    }

    /// Renews in rounds until `stop`, each a little sooner than a third of the life of a lease after the one before, so
    /// that nodes which started together do not go on together.
    pub async fn run(self, stop: CancellationToken) {
        let period = self.settings.ttl / 3;
        loop {
            let early = Duration::from_millis(self.chance.below(millis(period / 10) + 1));
            let next = tokio::time::Instant::now() + period - early;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.round(period) => {}
            }
        }
    }

    /// One round. An answer that takes longer than `limit` is not waited for.
    async fn round(&self, limit: Duration) {
        let stuck_after = self.settings.ttl / 2;
        let mut rooms = self.rights.living();
        rooms.retain(|(auction, holding)| {
            let deserves = holding.deserves_renewal(stuck_after);
            if !deserves {
                tracing::warn!(%auction, "the room of auction {auction} is stuck or over, so its lease is not renewed");
                count("withheld");
            }
            deserves
        });
        let renewed: Vec<_> = futures_util::stream::iter(rooms)
            .map(|(auction, holding)| async move {
                let renewed = self.renew(auction, &holding, limit).await;
                renewed.then_some((auction, holding.lease))
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(async |renewed| renewed)
            .collect()
            .await;
        self.bump(&renewed).await;
    }

    async fn renew(&self, auction: AuctionId, holding: &Holding, limit: Duration) -> bool {
        let (sent, at) = (Instant::now(), self.clock.now());
        let [lease, meta] = [keys::lease(auction), keys::meta(auction)];
        let keys = [lease.as_str(), meta.as_str()];
        let args = (holding.lease.to_string(), millis(self.settings.ttl), META_LIFE_MS, keys::news(auction));
        let asked = self.redis.script::<String>(&self.scripts.renew, &keys, args);
        let outcome = match tokio::time::timeout(limit, asked).await {
            Ok(Ok(outcome)) if outcome == "renewed" => {
                holding.renewed(sent, at);
                count("renewed");
                return true;
            }
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::warn!(%auction, %error, "the lease of auction {auction} was not renewed: {error}");
                count("failed");
                return false;
            }
            Err(_) => {
                tracing::warn!(%auction, "the lease of auction {auction} was not renewed: no answer in time");
                count("failed");
                return false;
            }
        };
        holding.revoke();
        self.rights.let_go(auction, holding.lease);
        if outcome == "fenced" {
            metrics::counter!("bidhub_lease_fenced_total").increment(1);
            count("fenced");
        } else {
            count("gone");
        }
        tracing::warn!(%auction, outcome, "the lease of auction {auction} is lost: {outcome}");
        false
    }

    /// Says that nobody need look at these rooms for some time. Only those that somebody is to look at at all.
    async fn bump(&self, renewed: &[(AuctionId, Lease)]) {
        let _alone = self.rights.bumping.write().await;
        let until = self.clock.now().plus(Span::from_millis(millis(self.settings.ttl) as i64 * 2));
        for some in renewed.chunks(BUMPED_AT_ONCE) {
            let mut zadd = cmd("ZADD");
            zadd.arg(keys::ATTEND).arg("XX");
            let mut any = false;
            for (auction, _) in some.iter().filter(|(auction, lease)| self.rights.holds(*auction, *lease)) {
                zadd.arg(until.millis()).arg(auction.to_string());
                any = true;
            }
            if !any {
                continue;
            }
            if let Err(error) = self.redis.run::<i64>(&zadd).await {
                tracing::warn!(%error, "other nodes may look at rooms that this one runs: {error}");
            }
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("bidhub_lease_renewals_total", "outcome" => outcome).increment(1);
}
