//! Comments: which of them have changed since they were made searchable, and what they say.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A comment as it is made searchable.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in super::super) struct CommentText {
    pub id: Uuid,
    pub auction: Uuid,
    pub author: Uuid,
    pub body: String,
    pub at: DateTime<Utc>,
}

/// A comment that was found, as it is shown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in super::super) struct CommentFind {
    pub id: Uuid,
    pub auction: Uuid,
    /// The title of that auction.
    pub title: String,
    /// What the author is called.
    pub author_name: String,
    pub body: String,
    pub at: DateTime<Utc>,
}

/// True if a comment was written or has changed.
pub(in super::super) async fn has_notes(db: &Db) -> Result<bool, StoreError> {
    Ok(sql!(db.read(), scalar bool, "select exists (select 1 from search_notes)")?)
}

/// Takes the oldest notes, and gives which comments they are about, each once.
pub(in super::super) async fn take_notes(tx: &mut Tx, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let text = "delete from search_notes where number in (select number from search_notes order by number limit $1)
         returning comment";
    let mut ids = sql!(tx.on(), scalars Uuid, text, limit)?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// What those of these comments say that say anything, the oldest first; those of one moment as they follow each other in
/// their auction.
pub(in super::super) async fn comment_texts(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<CommentText>, StoreError> {
    const TEXT: &str = "select id, auction, author, body, at from comments where body is not null and id";
    Ok(read_list!(tx.on(), TEXT, ids, " order by at, auction, number"))
}

/// What is shown of these comments, in no order. One that is deleted is not among them.
pub(in super::super) async fn comments(db: &Db, ids: &[Uuid]) -> Result<Vec<CommentFind>, StoreError> {
    const TEXT: &str = "select c.id, c.auction, a.title, w.display_name as author_name, c.body, c.at
        from comments c join auctions a on a.id = c.auction join accounts w on w.id = c.author
        where c.body is not null and c.id";
    Ok(read_list!(db.read(), TEXT, ids))
}
