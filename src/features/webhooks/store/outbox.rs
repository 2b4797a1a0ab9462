//! What is due, what came of an attempt, and what is swept out.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{DEAD, DELIVERED};
use crate::clock::to_datetime;
use crate::domain::{AuctionId, Timestamp};
use crate::features::webhooks::signing::SigningSecret;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// A delivery that is to be sent, with what is needed to send it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Job {
    pub id: i64,
    pub endpoint: Uuid,
    pub auction: Option<Uuid>,
    pub seq: Option<i64>,
    pub queued_at: DateTime<Utc>,
    pub attempts: i64,
    pub url: String,
    pub secret: SigningSecret,
    pub old_secret: Option<SigningSecret>,
    pub old_secret_until: Option<DateTime<Utc>>,
    pub failures: i64,
    pub failing_since: Option<DateTime<Utc>>,
}

/// Who hears of an auction.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Listener {
    pub heard: Uuid,
    pub endpoint: Uuid,
    pub events: Option<Json<Vec<String>>>,
    pub after_position: i64,
}

/// What an attempt came to.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub at: Timestamp,
    pub status_code: Option<i64>,
    pub response_ms: i64,
    /// Why it failed, if it did.
    pub problem: Option<String>,
}

/// Notes who sells an auction.
pub async fn sells(tx: &mut Tx, auction: AuctionId, seller: Uuid) -> Result<(), StoreError> {
    let text = "insert into webhook_sellers (auction, seller) values ($1, $2) on conflict (auction) do nothing";
    sql!(tx.on(), exec, text, auction.0, seller)?;
    Ok(())
}

/// Which endpoints hear of these auctions.
pub async fn listeners(tx: &mut Tx, auctions: &[AuctionId]) -> Result<Vec<Listener>, StoreError> {
    const TEXT: &str = "select s.auction as heard, e.id as endpoint, e.events, e.after_position
         from webhook_sellers s join webhook_endpoints e
            on e.owner = s.seller and (e.auction is null or e.auction = s.auction)
         where e.disabled_at is null and s.auction in (";
    macro_rules! select_on {
        ($on:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            let mut list = builder.separated(", ");
            for auction in auctions {
                list.push_bind(auction.0);
            }
            builder.push(") order by e.id");
            builder.build_query_as::<Listener>().persistent(auctions.len() == 1).fetch_all($on).await?
        }};
    }
    if auctions.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match tx.on() {
        On::Lite(on) => select_on!(on),
        On::Pg(on) => select_on!(on),
    })
}

/// Endpoints for which something is due, in the order of their ids from the one after `after` on.
pub async fn due(db: &Db, now: Timestamp, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let text = "select e.id from webhook_endpoints e
         where e.id > $2 and e.disabled_at is null and (e.retry_at is null or e.retry_at <= $1) and exists (
            select 1 from webhook_deliveries d
            where d.endpoint = e.id and d.status = 'pending' and d.next_at <= $1)
         order by e.id limit $3";
    Ok(sql!(db.read(), scalars Uuid, text, to_datetime(now), after, limit)?)
}

/// The next delivery of an endpoint: of those that are due the one that has been for longest, never one before which
/// another of the same auction waits.
pub async fn next(db: &Db, endpoint: Uuid, now: Timestamp) -> Result<Option<Job>, StoreError> {
    let text = "select d.id, d.endpoint, d.auction, d.seq, d.queued_at, d.attempts, e.url, e.secret, e.old_secret,
            e.old_secret_until, e.failures, e.failing_since
         from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint
         where d.endpoint = $1 and d.status = 'pending' and d.next_at <= $2
            and e.disabled_at is null and (e.retry_at is null or e.retry_at <= $2)
            and not exists (
                select 1 from webhook_deliveries b
                where b.endpoint = d.endpoint and b.auction = d.auction and b.status = 'pending' and b.seq < d.seq)
         order by d.next_at, d.id limit 1";
    Ok(sql!(db.read(), opt Job, text, endpoint, to_datetime(now))?)
}

/// Marks a delivery as taken. False if it was attempted otherwise since it was read.
pub async fn delivered(tx: &mut Tx, job: &Job, attempt: &Attempt) -> Result<bool, StoreError> {
    let text = "update webhook_deliveries
         set status = $3, attempts = attempts + 1, attempted_at = $4, ended_at = $4, status_code = $5, response_ms = $6,
            problem = null
         where id = $1 and attempts = $2 and status = 'pending'";
    let (at, code, took) = (to_datetime(attempt.at), attempt.status_code, attempt.response_ms);
    Ok(sql!(tx.on(), exec, text, job.id, job.attempts, DELIVERED, at, code, took)? == 1)
}

/// Marks a delivery as to be tried again at `next_at`. False as above.
pub async fn postponed(tx: &mut Tx, job: &Job, attempt: &Attempt, next_at: Timestamp) -> Result<bool, StoreError> {
    let text = "update webhook_deliveries
         set attempts = attempts + 1, next_at = $3, attempted_at = $4, status_code = $5, response_ms = $6, problem = $7
         where id = $1 and attempts = $2 and status = 'pending'";
    let (at, code, took) = (to_datetime(attempt.at), attempt.status_code, attempt.response_ms);
    let next_at = to_datetime(next_at);
    Ok(sql!(tx.on(), exec, text, job.id, job.attempts, next_at, at, code, took, &attempt.problem)? == 1)
}

/// Marks a delivery as given up. False as above.
pub async fn given_up(tx: &mut Tx, job: &Job, attempt: &Attempt) -> Result<bool, StoreError> {
    let text = "update webhook_deliveries
         set status = $3, attempts = attempts + 1, attempted_at = $4, ended_at = $4, status_code = $5, response_ms = $6,
            problem = $7
         where id = $1 and attempts = $2 and status = 'pending'";
    let (at, code, took) = (to_datetime(attempt.at), attempt.status_code, attempt.response_ms);
    Ok(sql!(tx.on(), exec, text, job.id, job.attempts, DEAD, at, code, took, &attempt.problem)? == 1)
}

/// Puts a delivery off without counting an attempt: what it is about cannot be read at the moment.
pub async fn put_off(db: &Db, job: &Job, next_at: Timestamp) -> Result<(), StoreError> {
    let text = "update webhook_deliveries set next_at = $3 where id = $1 and attempts = $2 and status = 'pending'";
    sql!(db.write(), exec, text, job.id, job.attempts, to_datetime(next_at))?;
    Ok(())
}

/// Gives up what has waited since before `before`; up to `limit` of it.
pub async fn expire(db: &Db, before: Timestamp, reason: &str, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = "update webhook_deliveries set status = $2, problem = $3, ended_at = $4
         where id in (select id from webhook_deliveries where status = 'pending' and queued_at < $1 limit $5)";
    Ok(sql!(db.write(), exec, text, to_datetime(before), DEAD, reason, to_datetime(now), limit)?)
}

/// Deletes what ended before `before`; up to `limit` of it.
pub async fn sweep(db: &Db, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = "delete from webhook_deliveries
         where id in (select id from webhook_deliveries where ended_at < $1 and status <> 'pending' limit $2)";
    Ok(sql!(db.write(), exec, text, to_datetime(before), limit)?)
}

/// How many deliveries wait in all.
pub async fn waiting(db: &Db) -> Result<i64, StoreError> {
    Ok(sql!(db.read(), scalar i64, "select count(*) from webhook_deliveries where status = 'pending'")?)
}
