//! Who was there. Each node adds what it has counted.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::features::customers::presence::Seen;
use crate::persistence::{Db, On, StoreError};

/// How many rows one statement writes at most: with four columns well below SQLite's 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1_000;

const LATER: &str = " on conflict (account) do update set
    watched_ms = customer_presence.watched_ms + excluded.watched_ms,
    last_seen = case when excluded.last_seen > customer_presence.last_seen
        then excluded.last_seen else customer_presence.last_seen end,
    noted_at = case when excluded.noted_at > customer_presence.noted_at
        then excluded.noted_at else customer_presence.noted_at end";

/// Adds what was counted of those who are not erased, in the order of accounts, so that no two nodes wait for each other in a circle.
pub(in crate::features::customers) async fn add_presence(
    db: &Db,
    seen: &[(AccountId, Seen)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for seen in seen.chunks(ROWS_PER_STATEMENT) {
        match db.write() {
            On::Lite(on) => add_values(on, seen, now).await?,
            On::Pg(on) => add_arrays(on, seen, now).await?,
        }
    }
    Ok(())
}

async fn add_values(on: &sqlx::SqlitePool, seen: &[(AccountId, Seen)], now: Timestamp) -> Result<(), sqlx::Error> {
    const TEXT: &str = "insert into customer_presence (account, watched_ms, last_seen, noted_at)
         select seen.column1, seen.column2, seen.column3, seen.column4 from (";
    let mut builder = sqlx::QueryBuilder::new(TEXT);
    builder.push_values(seen, |mut row, (account, seen)| {
        row.push_bind(account.0)
            .push_bind(seen.watched.millis())
            .push_bind(to_datetime(seen.last))
            .push_bind(to_datetime(now));
    });
    builder.push(") seen join accounts on accounts.id = seen.column1 and accounts.erased_at is null where true");
    builder.push(LATER);
    builder.build().persistent(false).execute(on).await.map(drop)
}

/// One text however many rows there are, so that the server reads it once.
async fn add_arrays(on: &sqlx::PgPool, seen: &[(AccountId, Seen)], now: Timestamp) -> Result<(), sqlx::Error> {
    const TEXT: &str = "insert into customer_presence (account, watched_ms, last_seen, noted_at)
         select account, watched_ms, last_seen, $4
         from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as n(account, watched_ms, last_seen)
            join accounts on accounts.id = n.account and accounts.erased_at is null
         order by account
         on conflict (account) do update set
            watched_ms = customer_presence.watched_ms + excluded.watched_ms,
            last_seen = greatest(excluded.last_seen, customer_presence.last_seen),
            noted_at = greatest(excluded.noted_at, customer_presence.noted_at)";
    sqlx::query(TEXT)
        .bind(seen.iter().map(|(account, _)| account.0).collect::<Vec<Uuid>>())
        .bind(seen.iter().map(|(_, seen)| seen.watched.millis()).collect::<Vec<i64>>())
        .bind(seen.iter().map(|(_, seen)| to_datetime(seen.last)).collect::<Vec<DateTime<Utc>>>())
        .bind(to_datetime(now))
        .execute(on)
        .await
        .map(drop)
}
