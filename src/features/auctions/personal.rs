//! What auctions keep of a person: what they offered and what they bid. All of it follows from the log, which names nobody.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Obstacle, Personal, Sheet, Unwritten, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct AuctionsPart;

#[async_trait]
impl Personal for AuctionsPart {
    fn name(&self) -> &'static str {
        "auctions"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            kept("auctions", "seller", "the log of the auction has it"),
            kept("auctions", "winner_account", "the log of the auction has it"),
            kept("bids", "bidder", "the log of the auction has it; others see the alias alone"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("offered", store::offers(tx, account)).await?;
        out.list("bids", store::bids(tx, account)).await
    }

    async fn obstacles(&self, tx: &mut Tx, account: AccountId) -> Result<Vec<Obstacle>, StoreError> {
        let mut found = Vec::new();
        if store::is_selling(tx, account).await? {
            found.push(Obstacle { code: "selling", detail: "an auction of this account is not over" });
        }
        if store::is_leading(tx, account).await? {
            found.push(Obstacle { code: "leading", detail: "this account leads in an auction that is not over" });
        }
        Ok(found)
    }

    async fn erase(&self, _tx: &mut Tx, _account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
