//! Having images gone: by their owners when no auction needs them any more, by staff at any time.
//!
//! An auction is what its log says: it names the image still, and shows none.

use uuid::Uuid;

use super::body::OwnImageBody;
use super::{Images, Removal, store, unknown};
use crate::auth::{Action, Caller, Denied, authorize};
use crate::domain::{AccountId, Span};
use crate::http::{ApiError, List, Page, PageQuery, RequestId, plain_text};

/// How long after an auction has asked for an image its row is surely there, or never will be.
const NAMING_MAX: Span = Span::from_secs(60);
const REASON_MAX_CHARS: usize = 500;

impl Images {
    /// What an account has uploaded, the newest first.
    pub(super) async fn own(&self, owner: AccountId, query: &PageQuery) -> Result<List<OwnImageBody>, ApiError> {
        let page = Page::<Uuid>::of(query.limit, query.cursor.as_deref())?;
        let rows = store::own(self.db(), owner, &page).await?;
        page.cut(rows, |row| row.image.id, OwnImageBody::from)
    }

    /// Deletes an image of the caller, unless an auction that is not over shows it or is about to.
    pub(super) async fn delete(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        let owner = authorize(Some(caller), Action::DeleteOwnImage).map(|()| caller.account())?;
        let id: Uuid = id.parse().map_err(|_| unknown())?;
        if store::owner_of(self.db(), id).await?.ok_or_else(unknown)? != owner {
            return Err(Denied::Forbidden.into());
        }
        let now = self.now();
        // While rows are late, nobody can say what is in use.
        self.0.parts.progress.check(now).map_err(ApiError::unavailable)?;
        if !store::delete_idle(self.db(), id, now.minus(NAMING_MAX)).await? {
            let there = store::is_there(self.db(), id).await?;
            return Err(if there { in_use() } else { unknown() });
        }
        self.0.shelf.forget(id).await;
        tracing::debug!(image = %id, account = %owner, "image {id} was deleted by its owner");
        Ok(())
    }

    /// Takes an image down for staff, whoever shows it; the audit trail says why.
    pub(super) async fn remove(
        &self,
        caller: &Caller,
        id: &str,
        reason: &str,
        request: RequestId,
    ) -> Result<(), ApiError> {
        authorize(Some(caller), Action::RemoveImages)?;
        let reason = plain_text(reason, REASON_MAX_CHARS).ok_or_else(|| {
            let detail = format!("a reason has 1 to {REASON_MAX_CHARS} characters of plain text");
            ApiError::invalid("invalid_reason", "reason", detail)
        })?;
        let image: Uuid = id.parse().map_err(|_| unknown())?;
        let (actor, at) = (caller.account(), self.now());
        let mut tx = self.db().begin().await?;
        if !store::delete(&mut tx, image).await? {
            return Err(unknown());
        }
        let removal = Removal { actor, at, image, reason: reason.to_owned(), request: request.0 };
        self.0.parts.trail.record(&mut tx, &removal).await?;
        tx.commit().await?;
        self.0.shelf.forget(image).await;
        tracing::info!(%image, by = %actor, "staff: remove_image of image {image}");
        Ok(())
    }
}

fn in_use() -> ApiError {
    ApiError::conflict("in_use", "an auction that is not over shows the image, or was about to a minute ago")
}
