//! What webhooks have of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// Where they hear of their auctions; the secret is nobody's to read again.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::webhooks) struct EndpointPart {
    id: Uuid,
    url: String,
    description: String,
    auction: Option<Uuid>,
    created_at: At,
}

pub(in crate::features::webhooks) fn endpoints(tx: &mut Tx, account: AccountId) -> Rows<'_, EndpointPart> {
    let text = "select id, url, description, auction, created_at from webhook_endpoints where owner = $1
         order by created_at, id";
    sql!(tx.on(), stream EndpointPart, text, account.0)
}

/// What was sent there, or is to be.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::webhooks) struct DeliveryPart {
    endpoint: Uuid,
    auction: Option<Uuid>,
    seq: Option<i64>,
    kind: String,
    status: String,
    queued_at: At,
}

pub(in crate::features::webhooks) fn deliveries(tx: &mut Tx, account: AccountId) -> Rows<'_, DeliveryPart> {
    let text = "select d.endpoint, d.auction, d.seq, d.kind, d.status, d.queued_at
         from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint where e.owner = $1 order by d.id";
    sql!(tx.on(), stream DeliveryPart, text, account.0)
}

/// What is on its way there goes with them.
pub(in crate::features::webhooks) async fn delete_endpoints(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from webhook_endpoints where owner = $1", account.0)?;
    Ok(())
}
