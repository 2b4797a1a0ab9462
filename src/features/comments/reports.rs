//! Telling staff of a comment: once for each reporter and comment.

use uuid::Uuid;

use super::request::Complaint;
use super::{Comments, NewReport, Report, store, unknown_comment, writing};
use crate::auth::Caller;
use crate::domain::{AccountId, AuctionId};
use crate::http::ApiError;

impl Comments {
    /// Reports a comment to staff. True if it is new; who has reported it before gets that report, unchanged.
    pub(super) async fn report(
        &self,
        reporter: &Caller,
        id: Uuid,
        complaint: &Complaint,
    ) -> Result<(Report, bool), ApiError> {
        let reason = complaint.reason()?;
        let reporter = reporter.account();
        self.0.limits.reports_by_account.check(&reporter)?;
        let comment = store::comment(self.db(), id).await?.ok_or_else(unknown_comment)?;
        let (author, auction) = (AccountId(comment.author), AuctionId(comment.auction));
        if author == reporter {
            return Err(ApiError::conflict("own_comment", "nobody reports their own comment"));
        }
        if let Some(before) = self.0.desk.reported(id, reporter).await? {
            return Ok((before, false));
        }
        if comment.deleted_by.is_some() {
            return Err(writing::deleted());
        }
        self.0.desk.report(&NewReport { comment: id, author, auction, reporter, reason }).await
    }
}
