//! What can go wrong between the hub and a database.

/// Why a statement did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the server refused, or could not be reached.
    #[error("database: {0}")]
    Driver(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what the program never writes.
    #[error("{table} holds a row that cannot be understood: {detail}")]
    Inconsistent {
        /// The table of the row.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A statement touched another number of rows than it must.
    #[error("{statement} touched {found} rows where it must touch {expected}")]
    WrongRowCount {
        /// What the statement was for.
        statement: &'static str,
        /// The rows that it must touch.
        expected: u64,
        /// The rows that it touched.
        found: u64,
    },
}

impl StoreError {
    /// True if the database could not be asked at all, so that the same may be tried again.
    pub fn is_unavailable(&self) -> bool {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, WorkerCrashed};
        matches!(self, Self::Driver(PoolTimedOut | PoolClosed | WorkerCrashed | Io(_)))
    }

    /// True if the database is away, or is not in a state to do what was asked, so that the same may work later: no
    /// connection, a conflict between transactions, no resources, a lock or a limit in the way, a server that is starting
    /// or stopping.
    pub fn is_passing(&self) -> bool {
        const CLASSES: [&str; 7] = ["08", "25", "40", "53", "55", "57", "58"];
        match self {
            Self::Driver(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code.len() == 5 && CLASSES.iter().any(|class| code.starts_with(class)))
            }
            _ => self.is_unavailable(),
        }
    }

    /// True if a statement was cut off, or never begun, because the bounds of its way into the database were reached.
    pub fn is_overrun(&self) -> bool {
        // PostgreSQL cancels a query with 57014; SQLite interrupts it with 9.
        match self {
            Self::Driver(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code == "57014" || code == "9")
            }
            Self::Driver(sqlx::Error::PoolTimedOut) => true,
            _ => false,
        }
    }

    /// True if the cause is a row that is there already (a unique or primary key).
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
