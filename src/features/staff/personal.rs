//! What the audit trail has of a person. It is never changed.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct StaffPart;

#[async_trait]
impl Personal for StaffPart {
    fn name(&self) -> &'static str {
        "staff_acts"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            kept("staff_audit", "actor", "the audit trail is never changed"),
            kept("staff_audit", "target", "the audit trail is never changed"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("about", store::deeds(tx, account)).await
    }

    async fn erase(&self, _tx: &mut Tx, _account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
