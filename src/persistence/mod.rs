//! Database pools and the one macro by which a statement, written once, runs on SQLite and on PostgreSQL.
//!
//! Nothing here knows a table. SQL stands in the `store` modules and in `journal::sql`, lower case, with `$1`
//! placeholders, and native types on either side (ids as UUID, moments as chrono times, documents as JSON).

mod bounded;
mod error;
mod migrate;
pub mod redis;

use std::path::Path;
use std::time::Duration;

use futures_util::stream::BoxStream;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};

pub use bounded::Bounds;
pub use error::StoreError;
pub use migrate::migrate;
pub use redis::{Redis, RedisError};

/// One thing on either engine.
#[derive(Debug, Clone, Copy)]
pub enum On<L, P> {
    /// SQLite's.
    Lite(L),
    /// PostgreSQL's.
    Pg(P),
}

/// Rows that are read as they are asked for, however many there are.
pub type Rows<'a, T> = BoxStream<'a, Result<T, sqlx::Error>>;

/// Runs one statement on whichever engine is there.
///
/// `sql!(on, exec, "…", binds…)` gives the number of rows touched; `one T` / `opt T` / `all T` read rows into a `FromRow`
/// type; `scalar T` / `opt_scalar T` / `scalars T` read a first column; `stream T` gives [`Rows`] as they come. `on` is [`Db::read`], [`Db::write`] or [`Tx::on`].
#[macro_export]
macro_rules! sql {
    ($on:expr, exec, $text:expr $(, $bind:expr)* $(,)?) => {
        match $on {
            $crate::persistence::On::Lite(on) => {
                sqlx::query($text)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected())
            }
            $crate::persistence::On::Pg(on) => {
                sqlx::query($text)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected())
            }
        }
    };
    ($on:expr, one $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_as::<_, $row>, fetch_one, $text $(, $bind)*)
    };
    ($on:expr, opt $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_as::<_, $row>, fetch_optional, $text $(, $bind)*)
    };
    ($on:expr, all $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_as::<_, $row>, fetch_all, $text $(, $bind)*)
    };
    ($on:expr, scalar $value:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_scalar::<_, $value>, fetch_one, $text $(, $bind)*)
    };
    ($on:expr, opt_scalar $value:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_scalar::<_, $value>, fetch_optional, $text $(, $bind)*)
    };
    ($on:expr, scalars $value:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::sql!(@fetch $on, query_scalar::<_, $value>, fetch_all, $text $(, $bind)*)
    };
    ($on:expr, stream $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        match $on {
            $crate::persistence::On::Lite(on) => sqlx::query_as::<_, $row>($text)$(.bind($bind))*.fetch(on),
            $crate::persistence::On::Pg(on) => sqlx::query_as::<_, $row>($text)$(.bind($bind))*.fetch(on),
        }
    };
    (@fetch $on:expr, $query:ident::<_, $out:ty>, $fetch:ident, $text:expr $(, $bind:expr)*) => {
        match $on {
            $crate::persistence::On::Lite(on) => sqlx::$query::<_, $out>($text)$(.bind($bind))*.$fetch(on).await,
            $crate::persistence::On::Pg(on) => sqlx::$query::<_, $out>($text)$(.bind($bind))*.$fetch(on).await,
        }
    };
}

/// A database: where to write and where to read. On SQLite these are two pools, for it has one writer at a time
/// and readers that never wait for it.
#[derive(Debug, Clone)]
pub struct Db {
    writer: On<SqlitePool, PgPool>,
    reader: On<SqlitePool, PgPool>,
}

/// How surely a commit is on the disk when it returns (SQLite only; PostgreSQL's own setting rules there).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: what was committed survives a power cut.
    Full,
    /// Handed to the operating system: survives the end of the process. For what can be made again from the journal.
    Normal,
}

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// After this it is tried again to open what somebody else is opening.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The one connection that writes. Processes that open a new database at the same moment are in each other's way, for SQLite
/// does not wait while the way is set in which it keeps its log; so it is tried again.
async fn opened(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let begun = tokio::time::Instant::now();
    loop {
        let writer = PoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
        match writer.connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => tokio::time::sleep(BUSY_PAUSE).await,
            opened => return Ok(opened?),
        }
    }
}

/// True if SQLite says that somebody else is at work (SQLITE_BUSY, whatever more the code says).
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

impl Db {
    /// Opens, and creates if absent, the SQLite database in `file`.
    pub async fn sqlite(file: &Path, durability: Durability) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Normal => SqliteSynchronous::Normal,
            })
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = opened(&options).await?;
        let readers = PoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(ACQUIRE_TIMEOUT);
        let readers = readers.connect_lazy_with(options.read_only(true).create_if_missing(false));
        Ok(Self { writer: On::Lite(writer), reader: On::Lite(readers) })
    }

    /// Opens the SQLite database in `file` to look at, beside whoever writes to it. Nothing can be changed through it.
    pub async fn sqlite_read_only(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let pool = PoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.connect_with(options).await?;
        Ok(Self { writer: On::Lite(pool.clone()), reader: On::Lite(pool) })
    }

    /// Connects to the PostgreSQL database at `url` to look at it. Nothing can be changed through it.
    pub async fn postgres_read_only(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let pool = PoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.connect_with(options).await?;
        Ok(Self { writer: On::Pg(pool.clone()), reader: On::Pg(pool) })
    }

    /// Connects to the PostgreSQL database at `url`.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.connect_with(options).await?;
        Ok(Self { writer: On::Pg(pool.clone()), reader: On::Pg(pool) })
    }

    /// Where statements that only read go.
    pub fn read(&self) -> On<&SqlitePool, &PgPool> {
        self.reader.as_ref()
    }

    /// Where single statements that change something go.
    pub fn write(&self) -> On<&SqlitePool, &PgPool> {
        self.writer.as_ref()
    }

    /// Begins a transaction that may write. Never ask for a second one while holding it: SQLite has one writer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx(match &self.writer {
            On::Lite(pool) => On::Lite(pool.begin_with("BEGIN IMMEDIATE").await?),
            On::Pg(pool) => On::Pg(pool.begin().await?),
        }))
    }

    /// Begins a transaction that only reads: all its statements see the database as it is at the first of them, whatever is
    /// written meanwhile. Keep it short: what is cleared away meanwhile stays until it ends.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(Tx(match &self.reader {
            On::Lite(pool) => On::Lite(pool.begin_with("BEGIN DEFERRED").await?),
            On::Pg(pool) => On::Pg(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        }))
    }

    /// Closes every connection once what runs on it has ended.
    pub async fn close(&self) {
        for pool in [&self.reader, &self.writer] {
            match pool {
                On::Lite(pool) => pool.close().await,
                On::Pg(pool) => pool.close().await,
            }
        }
    }
}

impl<L, P> On<L, P> {
    /// A view of whichever is there.
    pub fn as_ref(&self) -> On<&L, &P> {
        match self {
            Self::Lite(it) => On::Lite(it),
            Self::Pg(it) => On::Pg(it),
        }
    }
}

/// A transaction; dropped without [`Tx::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Tx(On<Transaction<'static, Sqlite>, Transaction<'static, Postgres>>);

impl Tx {
    /// Where the statements of this transaction go.
    pub fn on(&mut self) -> On<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            On::Lite(tx) => On::Lite(&mut **tx),
            On::Pg(tx) => On::Pg(&mut **tx),
        }
    }

    /// Makes everything done in it true at once. On an error the outcome is unknown until read.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            On::Lite(tx) => tx.commit().await?,
            On::Pg(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_opens_a_new_database_at_the_same_moment_gets_it() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("hub.db");
            let open = || {
                let file = file.clone();
                tokio::spawn(async move { Db::sqlite(&file, Durability::Normal).await })
            };
            let opening: Vec<_> = (0..8).map(|_| open()).collect();
            for opened in opening {
                opened.await.unwrap().unwrap();
            }
        }
    }
}
