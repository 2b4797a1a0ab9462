//! The lock that keeps a second hub process out: on a file beside the embedded journal, or an advisory lock in
//! PostgreSQL. It goes with the process, however the process ends.

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

    /// Locks the PostgreSQL database at `url`.
    pub async fn postgres(url: &str) -> Result<Self, LockError> {
        let options: sqlx::postgres::PgConnectOptions = url.parse().map_err(StoreError::from)?;
        let mut connection = options.connect().await.map_err(StoreError::from)?;
        let text = "select pg_try_advisory_lock($1)";
        let asked = sqlx::query_scalar::<_, bool>(text).bind(ADVISORY_LOCK).fetch_one(&mut connection).await;
        match asked.map_err(StoreError::from)? {
            true => Ok(Self::Advisory(Box::new(connection))),
            false => Err(LockError::Held("the database".to_owned())),
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
