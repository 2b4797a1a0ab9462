//! What moderation keeps of a person: what they reported, and by which ids others were judged.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, erased, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct ModerationPart;

#[async_trait]
impl Personal for ModerationPart {
    fn name(&self) -> &'static str {
        "reports"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            erased("reports", "reporter"),
            kept("reports", "closed_by", "who decided"),
            kept("moderation_auctions", "seller", "the log of the auction has it"),
            kept("moderation_conducts", "bidder", "follows from the log of the auction"),
            kept("moderation_conducts", "seller", "follows from the log of the auction"),
            kept("moderation_items", "topic", "what was decided about the seller"),
            kept("moderation_items", "account", "what was decided about them"),
            kept("moderation_items", "closed_by", "who decided"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("made", store::reports(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::empty_reports(tx, account).await
    }
}
