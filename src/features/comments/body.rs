//! What callers get to see of comments. The account of an author has no field here, so it cannot leak.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Report;
use super::store::CommentRow;
use crate::clock::{WireTime, from_datetime};
use crate::domain::AccountId;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommentBody {
    id: Uuid,
    auction: Uuid,
    /// 1, 2, 3, … within the auction, in the order in which comments came.
    number: i64,
    /// The top-level comment whose thread this answer is in; null for a top-level comment.
    thread: Option<Uuid>,
    /// What it answers.
    parent: Option<Uuid>,
    /// The name of who wrote it.
    #[schema(example = "Ada")]
    author: String,
    /// True if that is the seller.
    seller: bool,
    /// True if that is the caller; absent in pushes.
    #[serde(skip_serializing_if = "Option::is_none")]
    mine: Option<bool>,
    /// The text; null once it is deleted.
    body: Option<String>,
    at: WireTime,
    /// How many answers the thread has, deleted ones included, for they keep their place.
    replies: i64,
    deleted: bool,
    /// `author` or `staff`; absent while it is not deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by: Option<String>,
}

/// A comment before anyone sees it: the same for all, and who wrote it, which is shown to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    author: Uuid,
    comment: CommentBody,
}

/// A top-level comment and the beginning of its thread, before anyone sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thread {
    top: Said,
    first_replies: Vec<Said>,
}

/// A page of the comments on an auction, before anyone sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Threads {
    pub items: Vec<Thread>,
    pub next: Option<String>,
    pub total: i64,
}

/// A top-level comment and the beginning of its thread.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThreadBody {
    #[serde(flatten)]
    comment: CommentBody,
    /// The oldest answers; all of them are read under the id of the comment.
    first_replies: Vec<CommentBody>,
}

/// A page of the comments on an auction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentPage {
    /// Top-level comments, the newest first.
    pub items: Vec<ThreadBody>,
    /// The cursor of the page after this one; null on the last.
    pub next: Option<String>,
    /// How many comments and answers the auction has, without those that are deleted.
    pub total: i64,
}

/// A page of a thread.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThreadPage {
    /// The top-level comment.
    pub comment: CommentBody,
    /// Its answers, the oldest first.
    pub items: Vec<CommentBody>,
    /// The cursor of the page after this one; null on the last.
    pub next: Option<String>,
}

/// What an id leads to: the comments on an auction, or the thread of a comment.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Found {
    /// The id is an auction's.
    Auction(CommentPage),
    /// The id is a comment's.
    Thread(ThreadPage),
}

/// A report as who made it sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportBody {
    id: Uuid,
    comment: Uuid,
    reason: String,
    at: WireTime,
    /// `open` or `closed`.
    status: String,
}

impl CommentBody {
    /// The comment as `reader` sees it.
    pub fn new(row: CommentRow, reader: Option<AccountId>) -> Self {
        Said::from(row).seen_by(reader)
    }

    /// The comment as it is shown to everyone alike.
    pub fn for_all(row: CommentRow) -> Self {
        Self {
            id: row.id,
            auction: row.auction,
            number: row.number,
            thread: row.thread,
            parent: row.parent,
            author: row.author_name,
            seller: row.by_seller,
            mine: None,
            body: row.body,
            at: WireTime(from_datetime(row.at)),
            replies: row.replies,
            deleted: row.deleted_by.is_some(),
            deleted_by: row.deleted_by,
        }
    }

    /// The id.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl Said {
    /// The comment as `reader` sees it.
    pub fn seen_by(self, reader: Option<AccountId>) -> CommentBody {
        let mine = Some(reader.is_some_and(|reader| reader.0 == self.author));
        CommentBody { mine, ..self.comment }
    }
}

impl From<CommentRow> for Said {
    fn from(row: CommentRow) -> Self {
        Self { author: row.author, comment: CommentBody::for_all(row) }
    }
}

impl Thread {
    /// A top-level comment with the beginning of its thread.
    pub fn new(row: CommentRow, first: Vec<CommentRow>) -> Self {
        // An answer may have come between the two readings: then it is not counted yet.
        let known = |reply: &CommentRow| reply.place.is_some_and(|place| place <= row.replies);
        let first_replies = first.into_iter().filter(known).map(Said::from).collect();
        Self { top: row.into(), first_replies }
    }

    fn seen_by(self, reader: Option<AccountId>) -> ThreadBody {
        let first_replies = self.first_replies.into_iter().map(|reply| reply.seen_by(reader)).collect();
        ThreadBody { comment: self.top.seen_by(reader), first_replies }
    }
}

impl Threads {
    /// The page as `reader` sees it.
    pub fn seen_by(self, reader: Option<AccountId>) -> CommentPage {
        let items = self.items.into_iter().map(|thread| thread.seen_by(reader)).collect();
        CommentPage { items, next: self.next, total: self.total }
    }
}

impl From<Report> for ReportBody {
    fn from(report: Report) -> Self {
        let Report { id, comment, reason, at, status } = report;
        Self { id, comment, reason, at: WireTime(at), status }
    }
}
