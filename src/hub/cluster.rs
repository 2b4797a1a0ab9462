//! A node of a hub of many: Redis for the live journal, the leases and what nodes tell each other; PostgreSQL behind it as
//! the archive. A node that loses Redis falls silent; one that loses PostgreSQL goes on and catches up later.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use super::{Base, Ground as Grounds};
use crate::cache::Shared;
use crate::clock::Clock;
use crate::config::{self, ConfigError, Settings, Switch};
use crate::coordination::redis::bus::{BusSettings, RedisBus};
use crate::coordination::redis::leases::{LeaseSettings, RedisLeases};
use crate::coordination::redis::pulse::{self, PulseSettings};
use crate::coordination::redis::time::SharedTime;
use crate::coordination::redis::{Figures, presence::FiguresNow};
use crate::domain::NodeId;
use crate::env::Env;
use crate::journal::archiver::Archiver;
use crate::journal::redis::{Keeping, RedisJournal};
use crate::journal::sql::{self, Archive, LockError, ProcessLock};
use crate::lifecycle::Tasks;
use crate::persistence::Db;
use crate::persistence::redis::{Redis, RedisUrl};

/// How many records of each room a node keeps whole, should Redis lose them.
pub(super) const TAIL_MAX: usize = 4_096;

/// How long any answer of Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the archive may go on once the rooms are closed; what is left, others archive.
const ARCHIVE_FLUSH_LIMIT: Duration = Duration::from_secs(2);
const NO_DATABASE: &str = "redis_url makes this process a node of a hub of many, which needs a database_url too";
const LOCK_CHECK_EVERY: Duration = Duration::from_secs(5);
/// How many of its rooms a node names to the others.
const ROOMS_NAMED: usize = 1_000;

pub(super) struct Ground {
    db: Db,
    /// What this node archives, for its probe.
    pub(super) archiver: Archiver,
    /// What else this node says of itself once it is known.
    pub(super) figures: Arc<OnceLock<FiguresNow>>,
}

impl Ground {
    pub(super) async fn close(self) {
        self.db.close().await;
    }
}

/// Joins the others.
pub(super) async fn open(settings: &Settings, url: &SecretString, env: &Env, tasks: &Tasks) -> anyhow::Result<Base> {
    let stop = tasks.shutdown().clone();
    let redis = Connections::open(&settings.cluster, url)?;
    redis.check().await?;
    if let Clock::Shared(offset) = &env.clock {
        let time = SharedTime::start(redis.authority.clone(), offset.clone(), stop.clone());
        time.await.context("the clock that all nodes share cannot be read")?;
    }
    let database = settings.server.database_url.as_ref();
    let database = database.ok_or_else(|| ConfigError(NO_DATABASE.into()))?.expose_secret();
    let lock = ProcessLock::postgres_shared(database).await?;
    let db = Db::postgres(database).await.context("the archive's database cannot be opened")?;
    sql::migrate(&db).await.context("the archive could not be brought up to date")?;
    tasks.spawn(keep_lock(lock, database.to_owned(), stop.clone()));

    let node = NodeId(env.chance.uuid(env.clock.now()));
    let ttl = Duration::from_millis(settings.cluster.lease_ttl_ms.into());
    let lease_settings = LeaseSettings { ttl, ..LeaseSettings::new(node) };
    let world = (env.clock.clone(), env.chance.clone());
    let leases = RedisLeases::start(lease_settings, redis.authority.clone(), redis.renewals, world, stop.clone());
    let leases = Arc::new(leases);
    pulse::start(PulseSettings::default(), redis.authority.clone(), stop.clone());

    let archive = Archive::new(db.clone(), node.0, env.clock.clone());
    let archiver = Archiver::new(archive.clone(), env.chance.clone());
    let keeping = Keeping { lease_ttl: ttl, replicas: settings.cluster.redis_replicas as usize, ..Keeping::default() };
    let journal = RedisJournal::new(redis.authority.clone(), redis.bulk, archiver.clone(), keeping);
    let journal = Arc::new(journal);
    tasks.spawn(archiver.clone().run(journal.clone(), stop.clone(), ARCHIVE_FLUSH_LIMIT));

    let shared = match settings.cache.cache {
        Switch::On => Some(Arc::new(Shared::connecting(&redis.url, redis.ca.as_deref())?)),
        Switch::Off => None,
    };
    let figures: Arc<OnceLock<FiguresNow>> = Arc::default();
    let bus_settings = BusSettings {
        name: settings.cluster.node_name.clone(),
        ca: redis.ca,
        timeout: REDIS_TIMEOUT,
        ..BusSettings::new(node, env.clock.now(), redis.url)
    };
    let said = said(leases.clone(), figures.clone());
    let bus = RedisBus::start(bus_settings, redis.authority, said, stop).await.context("the bus cannot be had")?;
    tracing::info!(%node, "this is node {node}");
    Ok(Base {
        journal,
        leases,
        bus,
        feed: archive.feed(),
        shared,
        lost: CancellationToken::new(),
        ground: Grounds::Cluster(Box::new(Ground { db, archiver, figures })),
    })
}

/// What this node says of itself: the rooms that it runs, and what else it knows by then.
fn said(leases: Arc<RedisLeases>, more: Arc<OnceLock<FiguresNow>>) -> FiguresNow {
    Arc::new(move || {
        let more = more.get().map(|figures| figures()).unwrap_or_default();
        let rooms = leases.some_held(ROOMS_NAMED).into_iter().map(|auction| auction.0).collect();
        Figures { rooms_owned: leases.held() as u64, rooms, ..more }
    })
}

/// The ways to Redis: renewals have one of their own, so that nothing stands before them, and what is long another, so that
/// it stands before no commit.
struct Connections {
    url: RedisUrl,
    ca: Option<Vec<u8>>,
    authority: Redis,
    /// For what is long and can wait.
    bulk: Redis,
    renewals: Redis,
}

impl Connections {
    fn open(cluster: &config::Cluster, url: &SecretString) -> anyhow::Result<Self> {
        let url: RedisUrl = url.expose_secret().parse().map_err(|error| ConfigError(format!("redis_url: {error}")))?;
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).map_err(|error| ConfigError(format!("redis_ca_file {}: {error}", path.display())))
        };
        let ca = cluster.redis_ca_file.as_ref().map(read).transpose()?;
        let authority = Redis::new(&url, ca.as_deref(), REDIS_TIMEOUT)?;
        let bulk = Redis::new(&url, ca.as_deref(), REDIS_TIMEOUT)?;
        let renewals = Redis::new(&url, ca.as_deref(), REDIS_TIMEOUT)?;
        Ok(Self { url, ca, authority, bulk, renewals })
    }

    async fn check(&self) -> anyhow::Result<()> {
        let fitness = self.authority.fitness().await.context("Redis at redis_url cannot be used")?;
        if !fitness.append_only {
            tracing::warn!(
                "Redis does not write down what it does (appendonly no): what it forgets at a restart is lost unless it is archived"
            );
        }
        Ok(())
    }
}

/// Keeps the lock that one-process hubs respect, over breaks of the connection that holds it.
async fn keep_lock(lock: ProcessLock, database: String, stop: CancellationToken) {
    let mut lock = Some(lock);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOCK_CHECK_EVERY) => {}
        }
        if let Some(held) = &mut lock
            && tokio::time::timeout(LOCK_CHECK_EVERY, held.check()).await.is_ok_and(|checked| checked.is_ok())
        {
            continue;
        }
        lock = match tokio::time::timeout(LOCK_CHECK_EVERY, ProcessLock::postgres_shared(&database)).await {
            Ok(Ok(taken)) => Some(taken),
            Ok(Err(error @ LockError::HeldByOne(_))) => {
                tracing::error!(%error, "a hub that runs as one process has taken the database: {error}");
                None
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lock on the database cannot be kept at the moment: {error}");
                None
            }
            Err(_) => None,
        };
    }
}
