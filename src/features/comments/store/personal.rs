//! What comments keep of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// A comment.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::comments) struct CommentPart {
    id: Uuid,
    auction: Uuid,
    parent: Option<Uuid>,
    body: Option<String>,
    at: At,
    deleted_at: Option<At>,
}

pub(in crate::features::comments) fn comments(tx: &mut Tx, account: AccountId) -> Rows<'_, CommentPart> {
    let text = "select id, auction, parent, body, at, deleted_at from comments where author = $1 order by id";
    sql!(tx.on(), stream CommentPart, text, account.0)
}

/// The author's own names for requests go; what was said stays, under the name that the account has then.
pub(in crate::features::comments) async fn forget_keys(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update comments set key = null, request = null where author = $1 and key is not null";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}
