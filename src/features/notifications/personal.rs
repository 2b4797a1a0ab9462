//! What notifications keep of a person: what they were told, and their name in what others were told of their comments.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct NotificationsPart;

#[async_trait]
impl Personal for NotificationsPart {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn columns(&self) -> Vec<Column> {
        vec![erased("notifications", "account"), erased("notification_preferences", "account")]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("notifications", store::notes(tx, account)).await?;
        out.list("preferences", store::choices(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_notes(tx, account).await?;
        store::delete_choices(tx, account).await?;
        store::take_name(tx, account).await
    }
}
