//! Reading comments, a page at a time. Pages go by numbers that are given in the order of the commits, so that none is
//! missed or read twice however many are written meanwhile.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Comments;
use super::body::{CommentBody, Found, Thread, ThreadPage, Threads};
use super::store::{self, CommentRow};
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, AuctionId};
use crate::http::{ApiError, List, Page, PageQuery};

/// How many answers stand below each comment in the list of an auction.
const FIRST_REPLIES: i64 = 3;

/// Where a page ends: of the comments of an auction, or of a thread.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Key {
    of: Uuid,
    last: i64,
}

impl Comments {
    /// The comments on the auction `id`, or the thread of the comment `id`.
    pub(super) async fn read(&self, id: Uuid, query: &PageQuery, reader: Option<AccountId>) -> Result<Found, ApiError> {
        let page = Page::<Key>::of(query.limit, query.cursor.as_deref())?;
        if page.after.is_none() {
            let load = async || match store::comment(self.db(), id).await? {
                Some(_) => Ok(None),
                None => self.comments(AuctionId(id), &page).await.map(Some),
            };
            if let Some(first) = self.first_page(AuctionId(id), page.limit, load).await? {
                return Ok(Found::Auction(first.seen_by(reader)));
            }
        }
        match store::comment(self.db(), id).await? {
            Some(comment) => self.thread(comment, &page, reader).await.map(Found::Thread),
            None => Ok(Found::Auction(self.comments(AuctionId(id), &page).await?.seen_by(reader))),
        }
    }

    async fn comments(&self, auction: AuctionId, page: &Page<Key>) -> Result<Threads, ApiError> {
        let after = after(page, auction.0)?;
        let Some(total) = store::total(self.db(), auction).await? else {
            self.0.lots.lot(auction).await?.ok_or(Rejection::UnknownAuction)?;
            return Ok(Threads { items: Vec::new(), next: None, total: 0 });
        };
        let rows = store::threads(self.db(), auction, after, page.fetch()).await?;
        let List { items, next } = page.cut(rows, |row| Key { of: auction.0, last: row.number }, |row| row)?;
        let mut first = self.first_replies(auction, &items).await?;
        let thread = |row: CommentRow| {
            let replies = first.remove(&row.id).unwrap_or_default();
            Thread::new(row, replies)
        };
        Ok(Threads { items: items.into_iter().map(thread).collect(), next, total })
    }

    /// The first answers in each of these threads, which are in the order of the list.
    async fn first_replies(
        &self,
        auction: AuctionId,
        threads: &[CommentRow],
    ) -> Result<HashMap<Uuid, Vec<CommentRow>>, ApiError> {
        let mut found: HashMap<Uuid, Vec<CommentRow>> = HashMap::new();
        if let (Some(newest), Some(oldest)) = (threads.first(), threads.last())
            && threads.iter().any(|thread| thread.replies > 0)
        {
            let range = (oldest.number, newest.number);
            for reply in store::first_replies(self.db(), auction, range, FIRST_REPLIES).await? {
                found.entry(reply.thread.unwrap_or(reply.id)).or_default().push(reply);
            }
        }
        Ok(found)
    }

    async fn thread(
        &self,
        comment: CommentRow,
        page: &Page<Key>,
        reader: Option<AccountId>,
    ) -> Result<ThreadPage, ApiError> {
        let top = match comment.thread {
            Some(thread) => store::comment(self.db(), thread).await?.ok_or_else(super::unknown_comment)?,
            None => comment,
        };
        let after = after(page, top.id)?;
        let rows = store::replies(self.db(), top.id, after, page.fetch()).await?;
        let key = |row: &CommentRow| Key { of: top.id, last: row.place.unwrap_or(0) };
        let List { items, next } = page.cut(rows, key, |row| CommentBody::new(row, reader))?;
        Ok(ThreadPage { comment: CommentBody::new(top, reader), items, next })
    }
}

/// After what the page goes on, if its cursor is of this list.
fn after(page: &Page<Key>, of: Uuid) -> Result<Option<i64>, ApiError> {
    match page.after {
        Some(key) if key.of != of => Err(ApiError::invalid("invalid_query", "cursor", "the cursor is of another list")),
        key => Ok(key.map(|key| key.last)),
    }
}
