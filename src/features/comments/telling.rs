//! Who hears of a comment: everyone in the room of its auction, at once; and one person who is told so that they know
//! whenever they come back: the author of what it answers, or the seller of what it is about.

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::body::CommentBody;
use super::store::CommentRow;
use super::{Comments, Lot};
use crate::clock::from_datetime;
use crate::domain::{AccountId, AuctionId};
use crate::live::Audience;
use crate::notify::{Note, NoteKind};

/// A comment that was written or deleted.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "comment")]
struct Push {
    auction: Uuid,
    comment: CommentBody,
    /// How many comments and answers the auction has now, without those that are deleted.
    total: i64,
}

impl Comments {
    /// Shows a comment, as it is now, to everyone in the room. Call it after the commit.
    pub(super) fn show(&self, row: CommentRow, total: i64) {
        let auction = row.auction;
        let push = Push { auction, comment: CommentBody::for_all(row), total };
        self.0.live.cast(Audience::Room(AuctionId(auction)), &push);
    }
}

/// What somebody is told of a new comment; nothing if it is their own.
pub(super) fn note(row: &CommentRow, parent: Option<&CommentRow>, lot: &Lot) -> Option<Note> {
    let (account, kind) = match parent {
        Some(parent) => (AccountId(parent.author), NoteKind::CommentReply),
        None => (lot.seller, NoteKind::Comment),
    };
    let thread = row.thread.unwrap_or(row.id);
    (account.0 != row.author).then(|| Note {
        account,
        kind,
        auction: Some(AuctionId(row.auction)),
        cause: format!("comment:{}", row.id),
        data: json!({"title": lot.title, "author": row.author_name, "comment": row.id, "thread": thread}),
        at: from_datetime(row.at),
    })
}
