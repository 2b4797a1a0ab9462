//! What search keeps of a person: under which id what they offered and said is found. It has no word that is not in the
//! auction or the comment itself, and follows when that changes.

use async_trait::async_trait;

use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Personal, Sheet, Unwritten, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct SearchPart;

#[async_trait]
impl Personal for SearchPart {
    fn name(&self) -> &'static str {
        "search"
    }

    fn columns(&self) -> Vec<Column> {
        vec![kept("search_documents", "author", "what is found is kept, and names nobody")]
    }

    async fn export(&self, _tx: &mut Tx, _account: AccountId, _out: &mut Sheet) -> Result<(), Unwritten> {
        Ok(())
    }

    async fn erase(&self, _tx: &mut Tx, _account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
