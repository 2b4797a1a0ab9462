//! What accounts keep of a person: the address, the name, the password, roles and sessions.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct AccountsPart;

#[async_trait]
impl Personal for AccountsPart {
    fn name(&self) -> &'static str {
        "account"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            erased("account_roles", "account_id"),
            erased("sessions", "account_id"),
            erased("mailed_tokens", "account_id"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("account", store::account(tx, account)).await?;
        out.list("roles", store::roles(tx, account)).await?;
        out.list("sessions", store::sessions(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        store::empty(tx, account, now).await?;
        store::delete_roles(tx, account).await?;
        store::delete_sessions(tx, account).await?;
        store::delete_mailed_tokens(tx, account).await
    }
}
