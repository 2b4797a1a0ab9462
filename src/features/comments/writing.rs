//! Writing comments and deleting them.

use uuid::Uuid;

use super::request::{NewComment, checked};
use super::store::{self, CommentRow, New};
use super::{Comments, Deletion, telling, unknown_comment};
use crate::auth::{Action, Caller, authorize};
use crate::domain::AuctionId;
use crate::domain::auction::Rejection;
use crate::http::{ApiError, IdempotencyKey, Once, RequestId, key_reused};
use crate::notify;
use crate::persistence::Tx;

/// Where an answer goes: its thread, its place there, and what it answers.
type Reply = (Uuid, i64, CommentRow);

impl Comments {
    /// Writes a comment. Under a key that came before, gives the comment that was written then, as it is now.
    pub(super) async fn write(
        &self,
        author: &Caller,
        new: &NewComment,
        key: Option<IdempotencyKey>,
    ) -> Result<CommentRow, ApiError> {
        let body = new.text()?;
        let account = author.account();
        self.0.limits.comments_by_account.check(&account)?;
        let auction = AuctionId(new.auction);
        let lot = self.0.lots.lot(auction).await?.ok_or(Rejection::UnknownAuction)?;
        let parent = new.parent.map(|id| id.to_string()).unwrap_or_default();
        let once = Once::of(key, &[&new.auction.to_string(), &parent, body]);
        let at = self.now();
        let mut tx = self.db().begin().await?;
        let counts = store::count(&mut tx, auction).await?;
        if let Some(once) = &once
            && let Some(before) = store::by_key(&mut tx, account, once.key()).await?
        {
            once.check(before.request.as_deref())?;
            return Ok(before);
        }
        let reply = match new.parent {
            Some(parent) => Some(place(&mut tx, auction, parent).await?),
            None => None,
        };
        let comment = New {
            id: self.new_id(at),
            auction,
            number: counts.last_number,
            author: account,
            by_seller: lot.seller == account,
            reply: reply.as_ref().map(|(thread, place, parent)| (*thread, *place, parent.id)),
            body,
            at,
            once: once.as_ref(),
        };
        match store::insert(&mut tx, &comment).await {
            // The same key at the same moment, on another auction.
            Err(error) if once.is_some() && error.is_duplicate() => return Err(key_reused()),
            inserted => inserted?,
        }
        let row = store::comment_in(&mut tx, comment.id).await?.ok_or_else(unknown_comment)?;
        let note = telling::note(&row, reply.as_ref().map(|(_, _, parent)| parent), &lot);
        notify::write(&mut tx, note.as_slice()).await?;
        let forgetting = self.forgetting(auction);
        tx.commit().await?;
        forgetting.now().await;
        self.0.outbox.wake();
        self.show(row.clone(), counts.total);
        Ok(row)
    }

    /// Deletes a comment: its author, or staff, which stands in the audit trail. Deleted twice it stays as it is.
    pub(super) async fn delete(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: Option<&str>,
        request: &RequestId,
    ) -> Result<(), ApiError> {
        let row = store::comment(self.db(), id).await?.ok_or_else(unknown_comment)?;
        let own = row.author == caller.account().0;
        let (action, by) = if own { (Action::Comment, "author") } else { (Action::ModerateComments, "staff") };
        authorize(Some(caller), action)?;
        let reason = reason.map(checked).transpose()?;
        let (actor, at) = (caller.account(), self.now());
        // Also if it is deleted already: whoever did that may have died before everyone knew.
        let forgetting = self.forgetting(AuctionId(row.auction));
        let mut tx = self.db().begin().await?;
        let total = store::discount(&mut tx, AuctionId(row.auction)).await?;
        if !store::erase(&mut tx, id, by, at).await? {
            return Ok(());
        }
        if !own {
            let reason = reason.map(str::to_owned);
            let deletion = Deletion { actor, at, comment: id, reason, request: request.0.clone() };
            self.0.trail.record(&mut tx, &deletion).await?;
        }
        let row = store::comment_in(&mut tx, id).await?.ok_or_else(unknown_comment)?;
        tx.commit().await?;
        forgetting.now().await;
        self.show(row, total);
        if !own {
            tracing::info!(comment = %id, by = %actor, "staff: delete_comment of comment {id}");
        }
        Ok(())
    }
}

/// Finds a place for an answer to `parent`. Answers to answers stand in the same thread.
async fn place(tx: &mut Tx, auction: AuctionId, parent: Uuid) -> Result<Reply, ApiError> {
    let parent = store::comment_in(tx, parent).await?.filter(|parent| parent.auction == auction.0);
    let parent = parent.ok_or_else(|| unknown_comment().with("field", "parent"))?;
    if parent.deleted_by.is_some() {
        return Err(deleted());
    }
    let thread = parent.thread.unwrap_or(parent.id);
    Ok((thread, store::add_reply(tx, thread).await?, parent))
}

/// 409 `comment_deleted`.
pub(super) fn deleted() -> ApiError {
    ApiError::conflict("comment_deleted", "the comment has been deleted")
}
