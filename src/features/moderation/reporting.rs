//! Reports: what people tell staff of, once for each of them and each thing.

use uuid::Uuid;

use super::request::Complaint;
use super::store::{self, NewReport, Raised, ReportRow};
use super::{Moderation, Subject};
use crate::auth::Caller;
use crate::clock::from_datetime;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::ApiError;
use crate::persistence::StoreError;

/// A report to be.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Of what.
    pub subject: Subject,
    /// Whom it is about: the author, the seller.
    pub account: AccountId,
    /// In which auction.
    pub auction: AuctionId,
    /// Who reports it.
    pub reporter: AccountId,
    /// Why; text that fits.
    pub reason: &'a str,
}

/// A report that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its id.
    pub id: Uuid,
    /// Of what.
    pub target: Uuid,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// `open` or `closed`.
    pub status: String,
}

impl Moderation {
    /// What somebody has reported of this, if they have.
    pub async fn reported(&self, subject: Subject, reporter: AccountId) -> Result<Option<Reported>, StoreError> {
        Ok(store::report_of(self.db(), subject, reporter).await?.map(Reported::from))
    }

    /// Writes a report down and puts what it is of into the queue. True if it is new; who has reported the same before gets
    /// that report, unchanged.
    pub async fn report(&self, report: &Report<'_>) -> Result<(Reported, bool), ApiError> {
        let Report { subject, account, auction, reporter, reason } = *report;
        if let Some(before) = self.reported(subject, reporter).await? {
            return Ok((before, false));
        }
        let at = self.now();
        let (kind, topic) = (subject.kind(), subject.parts().1);
        let new_id = || self.parts().chance.uuid(at);
        let mut tx = self.db().begin().await?;
        let raised = Raised { id: new_id(), kind, topic, account, auction, evidence: None, at };
        let item = store::raise(&mut tx, &raised).await?;
        let new = NewReport { id: new_id(), item, subject, auction, reporter, reason, at };
        let is_new = store::insert_report(&mut tx, &new).await?;
        // The same may have come at the same moment: then that one counts, and nothing of this is kept.
        if is_new {
            tx.commit().await?;
            self.wake();
        } else {
            drop(tx);
        }
        let found = self.reported(subject, reporter).await?;
        Ok((found.ok_or_else(|| ApiError::internal("a report is not where it was written"))?, is_new))
    }

    /// Reports an auction.
    pub(super) async fn report_auction(
        &self,
        reporter: &Caller,
        auction: AuctionId,
        complaint: &Complaint,
    ) -> Result<(Reported, bool), ApiError> {
        let reason = complaint.reason()?;
        let reporter = reporter.account();
        self.parts().limits.reports_by_account.check(&reporter)?;
        let seller = self.parts().lots.seller(auction).await?.ok_or(Rejection::UnknownAuction)?;
        if seller == reporter {
            return Err(ApiError::conflict("own_auction", "nobody reports their own auction"));
        }
        let subject = Subject::Auction(auction);
        self.report(&Report { subject, account: seller, auction, reporter, reason }).await
    }
}

impl From<ReportRow> for Reported {
    fn from(row: ReportRow) -> Self {
        let ReportRow { id, target, reason, at, status, .. } = row;
        Self { id, target, reason, at: from_datetime(at), status }
    }
}
