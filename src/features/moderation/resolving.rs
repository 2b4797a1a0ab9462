//! Deciding about items of the queue.

use super::request::Resolve;
use super::store::{self, Closing, ItemRow};
use super::{Decision, Moderation, unknown_item};
use crate::auth::Caller;
use crate::domain::AccountId;
use crate::http::{ApiError, RequestId};
use uuid::Uuid;

impl Moderation {
    /// An item.
    pub(super) async fn item(&self, id: Uuid) -> Result<ItemRow, ApiError> {
        store::item(self.db(), id).await?.ok_or_else(unknown_item)
    }

    /// Carries out what `caller` decides: the item, its reports and the trail in one transaction. Whoever sends the same
    /// again gets what they decided.
    pub(super) async fn resolve(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: Uuid,
        resolve: &Resolve,
    ) -> Result<ItemRow, ApiError> {
        let (actor, at, outcome, reason) = (caller.account(), self.now(), resolve.outcome, resolve.reason()?);
        let item = self.item(id).await?;
        if AccountId(item.account) == actor {
            return Err(ApiError::conflict("own_account", "nobody decides about themselves"));
        }
        let closing = Closing { by: actor, at, outcome, reason };
        let mut tx = self.db().begin().await?;
        if !store::close(&mut tx, id, &closing).await? {
            drop(tx);
            return closed_by(self.item(id).await?, &closing);
        }
        store::close_reports(&mut tx, id, &closing).await?;
        let (item, reason, request) = (id, reason.to_owned(), request.0.clone());
        let decision = Decision { actor, at, item, outcome, reason, request };
        self.parts().trail.record(&mut tx, &decision).await?;
        let row = store::item_in(&mut tx, id).await?;
        tx.commit().await?;
        self.wake();
        let name = outcome.name();
        tracing::info!(item = %id, by = %actor, outcome = name, "staff: item {id} of the moderation queue is {name}");
        Ok(row)
    }
}

/// The item that is closed already: as the answer if it was closed just so, else 409 `item_closed`.
fn closed_by(row: ItemRow, closing: &Closing<'_>) -> Result<ItemRow, ApiError> {
    let Closing { by, outcome, reason, .. } = *closing;
    if row.closed_by == Some(by.0) && row.status == outcome.name() && row.reason.as_deref() == Some(reason) {
        return Ok(row);
    }
    let error = ApiError::conflict("item_closed", "it has been decided already");
    Err(error.with("outcome", row.status).with("closed_by", row.closed_by.map(|by| by.to_string())))
}
