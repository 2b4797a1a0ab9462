//! The SQL of comments. Who changes the comments of an auction locks its row of `comment_counts` first.

pub(super) mod personal;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::Once;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A comment, with the present name of its author.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CommentRow {
    pub id: Uuid,
    pub auction: Uuid,
    pub number: i64,
    /// Never shown: the name is.
    pub author: Uuid,
    pub author_name: String,
    pub by_seller: bool,
    pub thread: Option<Uuid>,
    pub place: Option<i64>,
    pub parent: Option<Uuid>,
    pub body: Option<String>,
    pub at: DateTime<Utc>,
    pub replies: i64,
    pub deleted_by: Option<String>,
    /// What was asked for under the author's key; none without a key, and once it is deleted.
    pub request: Option<Vec<u8>>,
}

/// A comment to insert.
#[derive(Debug, Clone)]
pub(super) struct New<'a> {
    pub id: Uuid,
    pub auction: AuctionId,
    pub number: i64,
    pub author: AccountId,
    pub by_seller: bool,
    /// What it answers: the thread, its place there, and the comment.
    pub reply: Option<(Uuid, i64, Uuid)>,
    pub body: &'a str,
    pub at: Timestamp,
    pub once: Option<&'a Once>,
}

/// How many comments an auction has.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Counts {
    pub last_number: i64,
    pub total: i64,
}

macro_rules! comments {
    ($which:literal) => {
        concat!(
            "select c.id, c.auction, c.number, c.author, a.display_name as author_name, c.by_seller, c.thread, c.place,
                c.parent, c.body, c.at, c.replies, c.deleted_by, c.request
             from comments c join accounts a on a.id = c.author ",
            $which
        )
    };
}

/// Counts one more comment on an auction, and has its comments alone until the transaction ends.
pub(super) async fn count(tx: &mut Tx, auction: AuctionId) -> Result<Counts, StoreError> {
    let text = "insert into comment_counts (auction, last_number, total) values ($1, 1, 1)
         on conflict (auction) do update set last_number = comment_counts.last_number + 1,
            total = comment_counts.total + 1
         returning last_number, total";
    Ok(sql!(tx.on(), one Counts, text, auction.0)?)
}

/// Counts one less, and has the comments of the auction alone until the transaction ends.
pub(super) async fn discount(tx: &mut Tx, auction: AuctionId) -> Result<i64, StoreError> {
    let text = "update comment_counts set total = total - 1 where auction = $1 returning total";
    Ok(sql!(tx.on(), scalar i64, text, auction.0)?)
}

/// How many comments an auction has that are not deleted; none if there never was one.
pub(super) async fn total(db: &Db, auction: AuctionId) -> Result<Option<i64>, StoreError> {
    Ok(sql!(db.read(), opt_scalar i64, "select total from comment_counts where auction = $1", auction.0)?)
}

/// A comment.
pub(super) async fn comment(db: &Db, id: Uuid) -> Result<Option<CommentRow>, StoreError> {
    Ok(sql!(db.read(), opt CommentRow, comments!("where c.id = $1"), id)?)
}

/// As [`comment`], within a transaction.
pub(super) async fn comment_in(tx: &mut Tx, id: Uuid) -> Result<Option<CommentRow>, StoreError> {
    Ok(sql!(tx.on(), opt CommentRow, comments!("where c.id = $1"), id)?)
}

/// The comment that an account has written under this key.
pub(super) async fn by_key(tx: &mut Tx, author: AccountId, key: &str) -> Result<Option<CommentRow>, StoreError> {
    Ok(sql!(tx.on(), opt CommentRow, comments!("where c.author = $1 and c.key = $2"), author.0, key)?)
}

/// Counts one more answer in a thread; gives its place.
pub(super) async fn add_reply(tx: &mut Tx, thread: Uuid) -> Result<i64, StoreError> {
    let text = "update comments set replies = replies + 1 where id = $1 returning replies";
    Ok(sql!(tx.on(), scalar i64, text, thread)?)
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<(), StoreError> {
    let text =
        "insert into comments (id, auction, number, author, by_seller, thread, place, parent, body, at, key, request)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sql!(
        tx.on(),
        exec,
        text,
        new.id,
        new.auction.0,
        new.number,
        new.author.0,
        new.by_seller,
        new.reply.map(|(thread, _, _)| thread),
        new.reply.map(|(_, place, _)| place),
        new.reply.map(|(_, _, parent)| parent),
        new.body,
        to_datetime(new.at),
        new.once.map(Once::key),
        new.once.map(Once::content)
    )?;
    Ok(())
}

/// Drops the text of a comment, and what could tell it. False if that was done before.
pub(super) async fn erase(tx: &mut Tx, id: Uuid, by: &str, at: Timestamp) -> Result<bool, StoreError> {
    let text = "update comments set body = null, request = null, deleted_at = $2, deleted_by = $3
         where id = $1 and deleted_at is null";
    Ok(sql!(tx.on(), exec, text, id, to_datetime(at), by)? == 1)
}

/// Top-level comments below a number, the newest first.
pub(super) async fn threads(
    db: &Db,
    auction: AuctionId,
    below: Option<i64>,
    limit: i64,
) -> Result<Vec<CommentRow>, StoreError> {
    let text = comments!(
        "where c.auction = $1 and c.thread is null and ($2 is null or c.number < $2) order by c.number desc limit $3"
    );
    Ok(sql!(db.read(), all CommentRow, text, auction.0, below, limit)?)
}

/// The first answers, so many of each, in the threads that begin from one number to another; the oldest first.
pub(super) async fn first_replies(
    db: &Db,
    auction: AuctionId,
    (from, to): (i64, i64),
    of_each: i64,
) -> Result<Vec<CommentRow>, StoreError> {
    let text = comments!(
        "join comments t on t.id = c.thread
         where t.auction = $1 and t.thread is null and t.number between $2 and $3 and c.place <= $4 order by c.number"
    );
    Ok(sql!(db.read(), all CommentRow, text, auction.0, from, to, of_each)?)
}

/// Answers in a thread beyond a place, the oldest first.
pub(super) async fn replies(
    db: &Db,
    thread: Uuid,
    beyond: Option<i64>,
    limit: i64,
) -> Result<Vec<CommentRow>, StoreError> {
    let text = comments!("where c.thread = $1 and ($2 is null or c.place > $2) order by c.place limit $3");
    Ok(sql!(db.read(), all CommentRow, text, thread, beyond, limit)?)
}
