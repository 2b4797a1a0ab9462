//! What snapshots keep of a person.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct CustomersPart;

#[async_trait]
impl Personal for CustomersPart {
    fn name(&self) -> &'static str {
        "activity"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            erased("customer_presence", "account"),
            erased("customer_snapshots", "account"),
            erased("customer_spend", "account"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("presence", store::presence(tx, account)).await?;
        out.list("snapshots", store::own_snapshots(tx, account)).await?;
        out.list("spend", store::own_spend(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_presence(tx, account).await?;
        store::delete_snapshots(tx, account).await?;
        store::delete_spend(tx, account).await
    }
}
