//! Telling staff of a comment: once for each reporter and comment.

use uuid::Uuid;

use super::request::Complaint;
use super::store::{self, ReportRow};
use super::{Comments, unknown_comment, writing};
use crate::auth::Caller;
use crate::http::ApiError;

impl Comments {
    /// Reports a comment to staff. True if it is new; who has reported it before gets that report, unchanged.
    pub(super) async fn report(
        &self,
        reporter: &Caller,
        id: Uuid,
        complaint: &Complaint,
    ) -> Result<(ReportRow, bool), ApiError> {
        let reason = complaint.reason()?;
        let account = reporter.account();
        self.0.limits.reports_by_account.check(&account)?;
        let comment = store::comment(self.db(), id).await?.ok_or_else(unknown_comment)?;
        if comment.author == account.0 {
            return Err(ApiError::conflict("own_comment", "nobody reports their own comment"));
        }
        if let Some(report) = store::report(self.db(), id, account).await? {
            return Ok((report, false));
        }
        if comment.deleted_by.is_some() {
            return Err(writing::deleted());
        }
        let at = self.now();
        let new = store::insert_report(self.db(), self.new_id(at), &comment, account, reason, at).await?;
        let report = store::report(self.db(), id, account).await?;
        Ok((report.ok_or_else(|| ApiError::internal("a report is not where it was written"))?, new))
    }
}
