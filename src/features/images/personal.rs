//! What images keep of a person: what they uploaded. It goes with them, also where an auction that is over shows it.

use async_trait::async_trait;

use super::store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct ImagesPart;

#[async_trait]
impl Personal for ImagesPart {
    fn name(&self) -> &'static str {
        "images"
    }

    fn columns(&self) -> Vec<Column> {
        vec![erased("images", "owner")]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("uploaded", store::uploaded(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_of(tx, account).await
    }
}
