//! What tickets keep of a person: what they asked, and what they were answered.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct TicketsPart;

#[async_trait]
impl Personal for TicketsPart {
    fn name(&self) -> &'static str {
        "tickets"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            kept("ticket_authors", "account", "a lock without a text"),
            erased("tickets", "author"),
            erased("tickets", "assignee"),
            erased("ticket_messages", "author"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("tickets", store::tickets(tx, account)).await?;
        out.list("messages", store::messages(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        store::empty_tickets(tx, account, now).await?;
        store::empty_messages(tx, account).await?;
        store::unassign(tx, account).await
    }
}
