//! Deliveries as owners see them, and what owners ask for: tests, further attempts, events once more.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{DEAD, PENDING};
use crate::clock::to_datetime;
use crate::domain::Timestamp;
use crate::features::webhooks::kinds::TEST;
use crate::http::Page;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// A delivery.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DeliveryRow {
    pub id: i64,
    pub endpoint: Uuid,
    pub auction: Option<Uuid>,
    pub seq: Option<i64>,
    pub kind: String,
    pub status: String,
    pub queued_at: DateTime<Utc>,
    pub attempts: i64,
    pub next_at: DateTime<Utc>,
    pub attempted_at: Option<DateTime<Utc>>,
    pub status_code: Option<i64>,
    pub response_ms: Option<i64>,
    pub problem: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// An event that an endpoint is to be sent.
pub struct Owed {
    pub endpoint: Uuid,
    pub auction: Uuid,
    pub seq: i64,
    pub kind: String,
}

/// Rows that one statement inserts, well below the numbers of parameters that both engines take.
const ROWS_MAX: usize = 1_000;

/// An endpoint's deliveries, the newest first.
pub async fn list(
    db: &Db,
    endpoint: Uuid,
    status: Option<&str>,
    page: &Page<i64>,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let rows = match status {
        Some(status) => {
            let text =
                "select * from webhook_deliveries where endpoint = $1 and status = $2 and ($3 is null or id < $3)
                 order by id desc limit $4";
            sql!(db.read(), all DeliveryRow, text, endpoint, status, page.after, page.fetch())
        }
        None => {
            let text = "select * from webhook_deliveries where endpoint = $1 and ($2 is null or id < $2)
                 order by id desc limit $3";
            sql!(db.read(), all DeliveryRow, text, endpoint, page.after, page.fetch())
        }
    };
    Ok(rows?)
}

/// Has a test sent.
pub async fn insert_test(tx: &mut Tx, endpoint: Uuid, now: Timestamp) -> Result<DeliveryRow, StoreError> {
    let text = "insert into webhook_deliveries (endpoint, kind, status, queued_at, next_at)
         values ($1, $2, $3, $4, $4) returning *";
    Ok(sql!(tx.on(), one DeliveryRow, text, endpoint, TEST, PENDING, to_datetime(now))?)
}

/// Has a delivery sent now, from the first attempt on, whatever came of it. None if there is no such delivery.
pub async fn retry(db: &Db, endpoint: Uuid, id: i64, now: Timestamp) -> Result<Option<DeliveryRow>, StoreError> {
    let text = "update webhook_deliveries
         set status = $3, attempts = 0, next_at = $4, queued_at = $4, ended_at = null, problem = null
         where endpoint = $1 and id = $2 returning *";
    Ok(sql!(db.write(), opt DeliveryRow, text, endpoint, id, PENDING, to_datetime(now))?)
}

/// Writes down what endpoints are to be sent, leaving alone what was written down before.
pub async fn owe(tx: &mut Tx, owed: &[Owed], now: Timestamp) -> Result<(), StoreError> {
    insert_all(tx, owed, now, " on conflict (endpoint, auction, seq) do nothing").await
}

/// As [`owe`], once more for what was delivered or given up.
pub async fn owe_again(tx: &mut Tx, owed: &[Owed], now: Timestamp) -> Result<(), StoreError> {
    let again = " on conflict (endpoint, auction, seq) do update set status = excluded.status, attempts = 0,
            next_at = excluded.next_at, queued_at = excluded.queued_at, ended_at = null, problem = null
         where webhook_deliveries.status <> excluded.status";
    insert_all(tx, owed, now, again).await
}

async fn insert_all(tx: &mut Tx, owed: &[Owed], now: Timestamp, conflict: &'static str) -> Result<(), StoreError> {
    const TEXT: &str = "insert into webhook_deliveries (endpoint, auction, seq, kind, status, queued_at, next_at) ";
    macro_rules! insert_on {
        ($on:expr, $rows:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values($rows, |mut row, owed| {
                row.push_bind(owed.endpoint)
                    .push_bind(owed.auction)
                    .push_bind(owed.seq)
                    .push_bind(&owed.kind)
                    .push_bind(PENDING)
                    .push_bind(to_datetime(now))
                    .push_bind(to_datetime(now));
            });
            builder.push(conflict);
            builder.build().persistent($rows.len() == 1).execute($on).await?;
        }};
    }
    for rows in owed.chunks(ROWS_MAX) {
        match tx.on() {
            On::Lite(on) => insert_on!(on, rows),
            On::Pg(on) => insert_on!(on, rows),
        }
    }
    Ok(())
}

/// How many deliveries wait for an endpoint.
pub async fn waiting(tx: &mut Tx, endpoint: Uuid) -> Result<i64, StoreError> {
    let text = "select count(*) from webhook_deliveries where endpoint = $1 and status = 'pending'";
    Ok(sql!(tx.on(), scalar i64, text, endpoint)?)
}

/// Gives up the oldest that wait for an endpoint, so that `most` are left.
pub async fn cut(tx: &mut Tx, endpoint: Uuid, most: i64, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
    let text = "update webhook_deliveries set status = $3, problem = $4, ended_at = $5
         where endpoint = $1 and status = 'pending' and id <= (
            select id from webhook_deliveries where endpoint = $1 and status = 'pending'
            order by id desc limit 1 offset $2)";
    Ok(sql!(tx.on(), exec, text, endpoint, most, DEAD, reason, to_datetime(now))?)
}
