//! A second way into a database, for reads that may turn out dear: with few connections of its own, so that it takes none from
//! others, and with statements that are cut off. Nothing can be changed through it.

use std::time::{Duration, Instant};

use sqlx::pool::PoolOptions;
use sqlx::{Sqlite, SqliteConnection};

use super::{Db, On};

/// How far reads may go.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Statements at once.
    pub connections: u32,
    /// How long a statement waits for a connection.
    pub wait: Duration,
    /// How long a statement may take.
    pub statement: Duration,
    /// Settings of the sessions on PostgreSQL, by name.
    pub postgres: &'static [(&'static str, &'static str)],
}

/// SQLite looks at the clock after so many steps of its machine, some tenths of a millisecond.
const STEPS: i32 = 10_000;

impl Db {
    /// The same database within these bounds. What they end is [`super::StoreError::is_overrun`].
    pub fn bounded(&self, bounds: Bounds) -> Self {
        let Bounds { connections, wait, statement, postgres } = bounds;
        match &self.reader {
            On::Pg(pool) => {
                let limit = format!("{}ms", statement.as_millis());
                let options = (*pool.connect_options()).clone();
                let options =
                    options.options([("default_transaction_read_only", "on"), ("statement_timeout", &*limit)]);
                let options = options.options(postgres.iter().copied());
                let bounded = PoolOptions::new().max_connections(connections).acquire_timeout(wait);
                let bounded = bounded.connect_lazy_with(options);
                Self { writer: On::Pg(bounded.clone()), reader: On::Pg(bounded) }
            }
            On::Lite(pool) => {
                let options = (*pool.connect_options()).clone();
                let bounded = PoolOptions::<Sqlite>::new().max_connections(connections).acquire_timeout(wait);
                let bounded = bounded
                    .after_connect(move |connection, _| Box::pin(limit_next(connection, statement)))
                    .before_acquire(move |connection, _| {
                        Box::pin(async move { limit_next(connection, statement).await.map(|()| true) })
                    })
                    .connect_lazy_with(options.read_only(true).create_if_missing(false));
                Self { writer: On::Lite(bounded.clone()), reader: On::Lite(bounded) }
            }
        }
    }
}

/// Interrupts what a connection does once `limit` is over; it is taken for one statement each time.
async fn limit_next(connection: &mut SqliteConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let until = Instant::now() + limit;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < until);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::Durability;
    use crate::sql;

    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_cut_off_and_the_next_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        let (wait, statement) = (Duration::from_secs(5), Duration::from_millis(100));
        let bounded = db.bounded(Bounds { connections: 1, wait, statement, postgres: &[] });
        let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
        for _ in 0..2 {
            let error = crate::persistence::StoreError::from(sql!(bounded.read(), scalar i64, endless).unwrap_err());
            assert!(error.is_overrun(), "{error}");
            assert_eq!(sql!(bounded.read(), scalar i64, "select 1").unwrap(), 1);
            // A connection that has rested longer than a statement may take is not late.
            tokio::time::sleep(statement * 2).await;
            assert_eq!(sql!(bounded.read(), scalar i64, "select 1").unwrap(), 1);
        }
        assert!(sql!(bounded.write(), exec, "create table t (a integer)").is_err(), "it only reads");
    }
}
