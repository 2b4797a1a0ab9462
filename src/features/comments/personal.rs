//! What comments keep of a person. What was said publicly stays and loses its name; who wants it gone deletes it before.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
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
        vec![kept("comments", "author", "the thread; the name stands in the account alone")]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("written", store::comments(tx, account)).await
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::forget_keys(tx, account).await
    }
}
