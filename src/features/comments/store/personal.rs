//! What comments keep of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
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

/// The auctions on which the author has commented.
pub(in crate::features::comments) async fn auctions(tx: &mut Tx, account: AccountId) -> Result<Vec<Uuid>, StoreError> {
    let text = "select distinct auction from comments where author = $1";
    Ok(sql!(tx.on(), scalars Uuid, text, account.0)?)
}

/// Has the comments of these auctions alone until the transaction ends.
pub(in crate::features::comments) async fn lock_counts(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update comment_counts set total = total
         where auction in (select auction from comments where author = $1 and deleted_at is null)";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}

/// Counts what the author has not deleted no more. Once it is locked: what was deleted meanwhile is not counted twice.
pub(in crate::features::comments) async fn discount_all(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update comment_counts set total = total - (
             select count(*) from comments
             where comments.auction = comment_counts.auction and author = $1 and deleted_at is null)
         where auction in (select auction from comments where author = $1 and deleted_at is null)";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}

/// Deletes all that the author has said and not deleted, as they would have.
pub(in crate::features::comments) async fn delete_all(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = "update comments set body = null, request = null, deleted_at = $2, deleted_by = 'author'
         where author = $1 and deleted_at is null";
    sql!(tx.on(), exec, text, account.0, to_datetime(now))?;
    Ok(())
}

/// The author's own names for requests go.
pub(in crate::features::comments) async fn forget_keys(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update comments set key = null, request = null where author = $1 and key is not null";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}
