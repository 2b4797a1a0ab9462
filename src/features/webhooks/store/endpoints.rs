//! Endpoints: made, read, changed and removed by their owners, disabled when they take nothing.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::features::webhooks::signing::SigningSecret;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// An endpoint as its owner may see it: without its secrets.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EndpointRow {
    pub id: Uuid,
    pub url: String,
    pub description: String,
    pub events: Option<Json<Vec<String>>>,
    pub auction: Option<Uuid>,
    pub old_secret_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub failing_since: Option<DateTime<Utc>>,
    pub retry_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_reason: Option<String>,
}

/// An endpoint to be.
pub struct NewEndpoint {
    pub id: Uuid,
    pub owner: AccountId,
    pub url: String,
    pub description: String,
    pub events: Option<Json<Vec<String>>>,
    pub auction: Option<Uuid>,
    pub secret: SigningSecret,
    pub created_at: Timestamp,
    /// It hears of what stands behind this position of the journal.
    pub after_position: i64,
}

/// The places that an owner's endpoints take.
pub async fn slots(db: &Db, owner: AccountId) -> Result<Vec<i64>, StoreError> {
    let text = "select slot from webhook_endpoints where owner = $1 order by slot";
    Ok(sql!(db.read(), scalars i64, text, owner.0)?)
}

/// Inserts an endpoint in a place of its owner; fails as a duplicate if the place is taken.
pub async fn insert(db: &Db, new: &NewEndpoint, slot: i64) -> Result<(), StoreError> {
    let text = "insert into webhook_endpoints
            (id, owner, slot, url, description, events, auction, secret, created_at, after_position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sql!(
        db.write(),
        exec,
        text,
        new.id,
        new.owner.0,
        slot,
        &new.url,
        &new.description,
        &new.events,
        new.auction,
        &new.secret,
        to_datetime(new.created_at),
        new.after_position
    )?;
    Ok(())
}

/// An owner's endpoints, the oldest first.
pub async fn list(db: &Db, owner: AccountId) -> Result<Vec<EndpointRow>, StoreError> {
    let text = "select * from webhook_endpoints where owner = $1 order by id";
    Ok(sql!(db.read(), all EndpointRow, text, owner.0)?)
}

/// One of an owner's endpoints.
pub async fn read(db: &Db, owner: AccountId, id: Uuid) -> Result<Option<EndpointRow>, StoreError> {
    let text = "select * from webhook_endpoints where id = $1 and owner = $2";
    Ok(sql!(db.read(), opt EndpointRow, text, id, owner.0)?)
}

/// Writes what its owner may change. None if there is no such endpoint.
pub async fn change(db: &Db, owner: AccountId, row: &EndpointRow) -> Result<Option<EndpointRow>, StoreError> {
    let text = "update webhook_endpoints set url = $3, description = $4, events = $5, auction = $6
         where id = $1 and owner = $2 returning *";
    let (events, auction) = (&row.events, row.auction);
    Ok(sql!(db.write(), opt EndpointRow, text, row.id, owner.0, &row.url, &row.description, events, auction)?)
}

/// Lets an endpoint be sent to again, as if it had never failed: what waited, and what stands behind this position of the
/// journal. Harmless if it is not disabled.
pub async fn enable(db: &Db, owner: AccountId, id: Uuid, after_position: i64) -> Result<(), StoreError> {
    let text = "update webhook_endpoints
         set disabled_at = null, disabled_reason = null, failures = 0, failing_since = null, retry_at = null,
            after_position = $3
         where id = $1 and owner = $2 and disabled_at is not null";
    sql!(db.write(), exec, text, id, owner.0, after_position)?;
    Ok(())
}

/// Disables an endpoint by its owner's wish. Harmless if it is disabled.
pub async fn disable(db: &Db, owner: AccountId, id: Uuid, reason: &str, now: Timestamp) -> Result<(), StoreError> {
    let text = "update webhook_endpoints set disabled_at = $3, disabled_reason = $4
         where id = $1 and owner = $2 and disabled_at is null";
    sql!(db.write(), exec, text, id, owner.0, to_datetime(now), reason)?;
    Ok(())
}

/// Gives an endpoint a new secret, beside which the one before holds until `until`. None if there is no such endpoint.
pub async fn rotate(
    db: &Db,
    owner: AccountId,
    id: Uuid,
    secret: &SigningSecret,
    until: Timestamp,
) -> Result<Option<EndpointRow>, StoreError> {
    let text = "update webhook_endpoints set old_secret = secret, old_secret_until = $4, secret = $3
         where id = $1 and owner = $2 returning *";
    Ok(sql!(db.write(), opt EndpointRow, text, id, owner.0, secret, to_datetime(until))?)
}

/// Removes an endpoint with all that it was to be sent. False if there is no such endpoint.
pub async fn delete(db: &Db, owner: AccountId, id: Uuid) -> Result<bool, StoreError> {
    let text = "delete from webhook_endpoints where id = $1 and owner = $2";
    Ok(sql!(db.write(), exec, text, id, owner.0)? == 1)
}

/// Notes that an endpoint took something, so that it counts as well again.
pub async fn took(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    let text = "update webhook_endpoints set failures = 0, failing_since = null, retry_at = null where id = $1";
    sql!(tx.on(), exec, text, id)?;
    Ok(())
}

/// Notes that an endpoint took nothing and is left alone until `retry_at`.
pub async fn refused(tx: &mut Tx, id: Uuid, now: Timestamp, retry_at: Timestamp) -> Result<(), StoreError> {
    let text = "update webhook_endpoints
         set failures = failures + 1, failing_since = coalesce(failing_since, $2), retry_at = $3 where id = $1";
    sql!(tx.on(), exec, text, id, to_datetime(now), to_datetime(retry_at))?;
    Ok(())
}

/// Disables an endpoint that takes nothing. Its owner if this did it; none if it was disabled already, or is gone.
pub async fn give_up(tx: &mut Tx, id: Uuid, reason: &str, now: Timestamp) -> Result<Option<AccountId>, StoreError> {
    let text = "update webhook_endpoints set disabled_at = $2, disabled_reason = $3
         where id = $1 and disabled_at is null returning owner";
    let owner = sql!(tx.on(), opt_scalar Uuid, text, id, to_datetime(now), reason)?;
    Ok(owner.map(AccountId))
}
