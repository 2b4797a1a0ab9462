//! What comments keep of a person: that they said something, in threads that stay. What they said goes with them, as if they
//! had deleted it.

use async_trait::async_trait;

use super::cached;
use super::store::personal as store;
use crate::cache::Tag;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct CommentsPart;

#[async_trait]
impl Personal for CommentsPart {
    fn name(&self) -> &'static str {
        "comments"
    }

    fn columns(&self) -> Vec<Column> {
        vec![kept(
            "comments",
            "author",
            "the place in the thread; the text goes, and the name stands in the account alone",
        )]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("written", store::comments(tx, account)).await
    }

    async fn lock(&self, tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
        store::lock_counts(tx, account).await
    }

    async fn shown(&self, tx: &mut Tx, account: AccountId) -> Result<Vec<Tag>, StoreError> {
        let auctions = store::auctions(tx, account).await?;
        let tags = auctions.into_iter().map(|auction| cached::comments(AuctionId(auction)));
        Ok(tags.chain([Tag::searches()]).collect())
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        store::lock_counts(tx, account).await?;
        store::discount_all(tx, account).await?;
        store::delete_all(tx, account, now).await?;
        store::forget_keys(tx, account).await
    }
}
