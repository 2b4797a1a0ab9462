//! The heart of the hub, opened and closed as one: the lock that keeps other processes out, the journal, the rooms, and
//! the work that keeps them going while nobody asks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Settings};
use crate::coordination::Leases;
use crate::coordination::local::LocalLeases;
use crate::domain::Span;
use crate::env::Env;
use crate::journal::Journal;
use crate::journal::sql::{Feed, LockError, ProcessLock, SqlJournal};
use crate::lifecycle::Tasks;
use crate::persistence::{Db, Durability};
use crate::room::{self, Deps, Limits, Rooms};

const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// After so long without an answer about the lock, another process may have it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The running rooms and what they stand on.
pub struct Hub {
    /// The rooms of all auctions.
    pub rooms: Rooms,
    /// The log of all auctions.
    pub journal: Arc<dyn Journal>,
    /// Who may run which room, and which node does what is done once.
    pub leases: Arc<dyn Leases>,
    kept: SqlJournal,
    db: Db,
    lost: CancellationToken,
    // Held until everything else is closed.
    _lock: Arc<Mutex<ProcessLock>>,
}

impl Hub {
    /// Takes the place over from whichever process had it before, and starts to open and close auctions on time.
    pub async fn open(settings: &Settings, env: &Env, tasks: &Tasks) -> anyhow::Result<Self> {
        let (lock, db) = open_journal(settings).await?;
        let lock = Arc::new(Mutex::new(lock));
        let lost = CancellationToken::new();
        let holder = env.chance.uuid(env.clock.now());
        let kept = SqlJournal::take_over(db.clone(), holder, &env.clock, lost.clone()).await;
        let kept = kept.context("the journal cannot be taken over")?;
        let journal: Arc<dyn Journal> = Arc::new(kept.clone());
        let leases: Arc<dyn Leases> = Arc::new(LocalLeases::new(kept.lease(), lost.clone()));
        let rooms = Rooms::new(Deps {
            journal: journal.clone(),
            leases: leases.clone(),
            clock: env.clock.clone(),
            chance: env.chance.clone(),
            limits: limits(&settings.room),
            lost: lost.clone(),
        });
        tasks.spawn(room::sweep(rooms.clone()));
        tasks.spawn(heartbeat(kept.clone(), lock.clone(), lost.clone(), tasks.shutdown().clone()));
        Ok(Self { rooms, journal, leases, kept, db, lost, _lock: lock })
    }

    /// The committed records of all auctions, for projections.
    pub fn feed(&self) -> Feed {
        self.kept.feed()
    }

    /// A token that is cancelled with `shutdown`, or when this process has lost its right to run rooms.
    pub fn stop_with(&self, shutdown: CancellationToken) -> CancellationToken {
        let stop = shutdown.child_token();
        let (lost, cancelled) = (self.lost.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = lost.cancelled() => cancelled.cancel(),
                () = cancelled.cancelled() => {}
            }
        });
        stop
    }

    /// Closes the journal within `limit`. An error says that this process was put out of its right while it ran.
    pub async fn close(self, limit: Duration) -> anyhow::Result<()> {
        let close = async {
            // The outage that begins now is counted from here.
            let _ = self.kept.heartbeat().await;
            self.db.close().await;
        };
        if tokio::time::timeout(limit, close).await.is_err() {
            tracing::warn!("the journal did not close in time");
        }
        anyhow::ensure!(!self.lost.is_cancelled(), "another process has taken the journal over, so this one stopped");
        Ok(())
    }
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

fn limits(room: &config::Room) -> Limits {
    Limits {
        mailbox_capacity: room.mailbox_capacity as usize,
        batch_max: room.batch_max as usize,
        rooms_max: room.max_loaded_rooms as usize,
        idle_unload: Duration::from_secs(room.idle_unload_s.into()),
        bid_deadline: Span::from_millis(room.bid_deadline_ms.into()),
        ..Limits::default()
    }
}
