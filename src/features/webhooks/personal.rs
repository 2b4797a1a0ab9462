//! What webhooks keep of a person: where they hear of their auctions, and what was sent there lately.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct WebhooksPart;

#[async_trait]
impl Personal for WebhooksPart {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn columns(&self) -> Vec<Column> {
        vec![erased("webhook_endpoints", "owner"), kept("webhook_sellers", "seller", "the log of the auction has it")]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("endpoints", store::endpoints(tx, account)).await?;
        out.list("deliveries", store::deliveries(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_endpoints(tx, account).await
    }
}
