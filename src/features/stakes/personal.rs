//! What stakes keep of a person: where they bid and how they stand, which follows from the log, and what they watch.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct StakesPart;

#[async_trait]
impl Personal for StakesPart {
    fn name(&self) -> &'static str {
        "stakes"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            erased("watchlist", "account"),
            kept("stakes", "bidder", "follows from the log of the auction; others see the alias alone"),
            kept("races", "seller", "the log of the auction has it"),
            kept("races", "leader", "the log of the auction has it"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("bidding", store::stakes(tx, account)).await?;
        out.list("watching", store::watched(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_watched(tx, account).await
    }
}
