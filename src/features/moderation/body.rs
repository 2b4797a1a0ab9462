//! What staff gets to see of the queue, and reporters of their reports.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::evidence::Evidence;
use super::reporting::Reported;
use super::store::{ItemRow, ReportRow};
use super::{Kind, Status};
use crate::clock::{WireTime, from_datetime};
use crate::persistence::StoreError;

/// An item of the moderation queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModerationItem)]
pub struct ItemBody {
    id: Uuid,
    /// `comment_report` and `auction_report`: people reported it. `shill`: the account looks like a shill of the seller;
    /// `ring`: it bids with others as a ring of shills would.
    kind: Kind,
    status: Status,
    /// Whom it is about: the author, the seller, the bidder.
    account: Someone,
    auction: Lot,
    /// The comment that is reported; null where none is.
    comment: Option<Reviewed>,
    /// What a signal follows from; null for reports.
    evidence: Option<Evidence>,
    /// How often it came up: by so many reports, or in so many auctions.
    times: i64,
    first_at: WireTime,
    last_at: WireTime,
    closed_at: Option<WireTime>,
    /// Who decided.
    closed_by: Option<Someone>,
    /// Why it was decided so.
    reason: Option<String>,
}

/// The auction in which an item came up last.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModerationLot)]
struct Lot {
    id: Uuid,
    /// Null while it is not in the lists yet.
    title: Option<String>,
    /// The account that sells it.
    seller: Option<Uuid>,
}

/// A comment that is reported.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ReportedComment)]
struct Reviewed {
    id: Uuid,
    /// What it says; null once it is deleted.
    body: Option<String>,
}

/// Somebody, as staff sees them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Someone {
    id: Uuid,
    /// Null if the account is no more.
    #[schema(example = "Ada")]
    display_name: Option<String>,
}

/// A report as staff sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaffReportBody {
    id: Uuid,
    reporter: Someone,
    reason: String,
    at: WireTime,
    /// `open` or `closed`.
    status: String,
}

/// An item with a page of its reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModerationItemPage)]
pub struct ItemPage {
    #[serde(flatten)]
    pub item: ItemBody,
    /// The oldest first.
    pub reports: Vec<StaffReportBody>,
    /// The cursor of the page after this one; null on the last.
    pub next: Option<String>,
}

/// A report of an auction, as who made it sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuctionReportBody {
    id: Uuid,
    auction: Uuid,
    reason: String,
    at: WireTime,
    /// `open` or `closed`.
    status: String,
}

impl ItemBody {
    /// The item as staff sees it.
    pub fn new(row: ItemRow) -> Result<Self, StoreError> {
        let unknown = |what: &str| StoreError::Inconsistent {
            table: "moderation_items",
            detail: format!("item {} has an unknown {what}", row.id),
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind).ok_or_else(|| unknown("kind"))?;
        let mut all = [Status::Open, Status::Upheld, Status::Dismissed].into_iter();
        let status = all.find(|status| status.name() == row.status).ok_or_else(|| unknown("status"))?;
        let comment = (kind == Kind::CommentReport).then_some(Reviewed { id: row.topic, body: row.comment_body });
        Ok(Self {
            id: row.id,
            kind,
            status,
            account: Someone { id: row.account, display_name: row.account_name },
            auction: Lot { id: row.auction, title: row.auction_title, seller: row.seller },
            comment,
            evidence: row.evidence.map(|it| it.0),
            times: row.times,
            first_at: WireTime(from_datetime(row.first_at)),
            last_at: WireTime(from_datetime(row.last_at)),
            closed_at: row.closed_at.map(|at| WireTime(from_datetime(at))),
            closed_by: row.closed_by.map(|id| Someone { id, display_name: row.closed_by_name }),
            reason: row.reason,
        })
    }
}

impl From<ReportRow> for StaffReportBody {
    fn from(row: ReportRow) -> Self {
        let ReportRow { id, reporter, reporter_name, reason, at, status, .. } = row;
        let reporter = Someone { id: reporter, display_name: Some(reporter_name) };
        Self { id, reporter, reason, at: WireTime(from_datetime(at)), status }
    }
}

impl From<Reported> for AuctionReportBody {
    fn from(report: Reported) -> Self {
        let Reported { id, target, reason, at, status } = report;
        Self { id, auction: target, reason, at: WireTime(at), status }
    }
}
