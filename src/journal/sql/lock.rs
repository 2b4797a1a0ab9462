//! The lock that keeps a second hub process out: on a file beside the embedded journal, or an advisory lock in
//! PostgreSQL. The nodes of a hub of many share that one, so that the two kinds of hub exclude each other. It goes with
//! the process, however the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::persistence::StoreError;

/// Names the advisory lock among others in the same database: "bidhub" in ASCII.
const ADVISORY_LOCK: i64 = 0x6269_6468_7562;

/// Held for as long as this process may run rooms.
#[derive(Debug)]
pub enum ProcessLock {
    /// A locked file.
    File(File),
    /// A connection that holds an advisory lock.
    Advisory(Box<PgConnection>),
}

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{0} is in use by another hub process; stop that one first, or give this one another place")]
    Held(String),
    /// The nodes of a hub of many have it.
    #[error(
        "{0} is in use by a hub of many nodes; stop them all first, or give this one their redis_url, so that it becomes \
         one of them"
    )]
    HeldByNodes(String),
    /// A hub that is one process has it.
    #[error("{0} is in use by a hub that runs as one process, without redis_url; stop that one first")]
    HeldByOne(String),
    /// The lock itself does not work there.
    #[error("{0} cannot be locked: {1}")]
    Io(String, std::io::Error),
    /// Whether it is still held cannot be learned in time.
    #[error("no answer in time")]
    Silent,
    /// The database cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProcessLock {
    /// Locks the data directory `dir`, by the file `bidhub.lock` in it.
    pub fn data_dir(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join("bidhub.lock");
        let name = || dir.display().to_string();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| LockError::Io(name(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self::File(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(name())),
            Err(TryLockError::Error(error)) => Err(LockError::Io(name(), error)),
        }
    }

    /// Locks the PostgreSQL database at `url` for this process alone.
    pub async fn postgres(url: &str) -> Result<Self, LockError> {
        let mut connection = connect(url).await?;
        if ask(&mut connection, "select pg_try_advisory_lock($1)").await? {
            return Ok(Self::Advisory(Box::new(connection)));
        }
        // Whoever has it may let go at this moment; then one more process is as good a guess as any.
        let text = "select exists (select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
                 and database = (select oid from pg_database where datname = current_database())
                 and ((classid::bigint << 32) | objid::bigint) = $1 and mode = 'ShareLock')";
        match ask(&mut connection, text).await? {
            true => Err(LockError::HeldByNodes("the database".to_owned())),
            false => Err(LockError::Held("the database".to_owned())),
        }
    }

    /// Locks the PostgreSQL database at `url` for this process and others that call the same.
    pub async fn postgres_shared(url: &str) -> Result<Self, LockError> {
        let mut connection = connect(url).await?;
        match ask(&mut connection, "select pg_try_advisory_lock_shared($1)").await? {
            true => Ok(Self::Advisory(Box::new(connection))),
            false => Err(LockError::HeldByOne("the database".to_owned())),
        }
    }

    /// Fails if the lock is no longer held: a connection that was cut has lost it.
    pub async fn check(&mut self) -> Result<(), LockError> {
        match self {
            Self::File(_) => Ok(()),
            Self::Advisory(connection) => Ok(connection.ping().await.map_err(StoreError::from)?),
        }
    }
}

async fn connect(url: &str) -> Result<PgConnection, LockError> {
    let options: sqlx::postgres::PgConnectOptions = url.parse().map_err(StoreError::from)?;
    Ok(options.connect().await.map_err(StoreError::from)?)
}

async fn ask(connection: &mut PgConnection, text: &'static str) -> Result<bool, LockError> {
    let asked = sqlx::query_scalar::<_, bool>(text).bind(ADVISORY_LOCK).fetch_one(connection).await;
    Ok(asked.map_err(StoreError::from)?)
}
