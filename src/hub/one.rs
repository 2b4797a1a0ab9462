//! A hub that is one process: the lock that keeps other processes out, and the journal in the database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Base, Ground as Grounds};
use crate::config::Settings;
use crate::coordination::local::{LocalBus, LocalLeases};
use crate::domain::NodeId;
use crate::env::Env;
use crate::journal::sql::{LockError, ProcessLock, SqlJournal};
use crate::lifecycle::Tasks;
use crate::persistence::{Db, Durability};

const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// After so long without an answer about the lock, another process may have it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Ground {
    journal: SqlJournal,
    db: Db,
    // Held until everything else is closed.
    _lock: Arc<Mutex<ProcessLock>>,
}

impl Ground {
    pub(super) async fn close(self) {
        // The outage that begins now is counted from here.
        let _ = self.journal.heartbeat().await;
        self.db.close().await;
    }
}

/// Takes the place over from whichever process had it before.
pub(super) async fn open(settings: &Settings, env: &Env, tasks: &Tasks) -> anyhow::Result<Base> {
    let (lock, db) = open_journal(settings).await?;
    let lock = Arc::new(Mutex::new(lock));
    let lost = CancellationToken::new();
    let node = NodeId(env.chance.uuid(env.clock.now()));
    let journal = SqlJournal::take_over(db.clone(), node.0, &env.clock, lost.clone()).await;
    let journal = journal.context("the journal cannot be taken over")?;
    tasks.spawn(heartbeat(journal.clone(), lock.clone(), lost.clone(), tasks.shutdown().clone()));
    Ok(Base {
        journal: Arc::new(journal.clone()),
        leases: Arc::new(LocalLeases::new(journal.lease(), lost.clone())),
        bus: Arc::new(LocalBus::new(node)),
        feed: journal.feed(),
        shared: None,
        lost,
        ground: Grounds::One(Ground { journal, db, _lock: lock }),
    })
}

/// The journal's database, and the lock on it: a file of its own beside the main database, or tables in PostgreSQL.
async fn open_journal(settings: &Settings) -> anyhow::Result<(ProcessLock, Db)> {
    match &settings.server.database_url {
        Some(url) => {
            let lock = ProcessLock::postgres(url.expose_secret()).await?;
            let db = Db::postgres(url.expose_secret()).await.context("the journal's database cannot be opened")?;
            Ok((lock, db))
        }
        None => {
            let lock = ProcessLock::data_dir(&settings.server.data_dir)?;
            let file = settings.journal_file();
            let db = Db::sqlite(&file, Durability::Full).await;
            Ok((lock, db.with_context(|| format!("{} cannot be opened", file.display()))?))
        }
    }
}

/// Writes down each second that bids can be decided, and watches over the lock.
async fn heartbeat(
    journal: SqlJournal,
    lock: Arc<Mutex<ProcessLock>>,
    lost: CancellationToken,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = lost.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let checked = tokio::time::timeout(LOCK_TIMEOUT, async { lock.lock().await.check().await }).await;
        let held = checked.unwrap_or_else(|_| Err(LockError::Silent));
        if let Err(error) = held {
            tracing::error!(%error, "the lock on the journal is lost: {error}");
            lost.cancel();
            return;
        }
        match tokio::time::timeout(LOCK_TIMEOUT, journal.heartbeat()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the heartbeat could not be written: {error}"),
            Err(_) => tracing::warn!("the heartbeat could not be written in time"),
        }
    }
}
