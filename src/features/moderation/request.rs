//! What callers send about moderation, and how much of it is taken.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Kind, Outcome, Status};
use crate::http::{ApiError, plain_text};

const REASON_MAX_CHARS: usize = 500;

/// Why an auction is reported.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AuctionComplaint)]
pub struct Complaint {
    /// 1 to 500 characters, for staff to read.
    #[schema(example = "the picture shows another desk")]
    reason: String,
}

/// What staff decides about an item.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModerationDecision)]
pub struct Resolve {
    /// `upheld` if it is as it looks, `dismissed` if not.
    pub outcome: Outcome,
    /// Why, in 1 to 500 characters, for the audit trail.
    #[schema(example = "the same person, by their own words")]
    reason: String,
}

/// The query of the queue.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// `open`, `upheld` or `dismissed`; all unless given.
    status: Option<Status>,
    /// `comment_report`, `auction_report`, `shill` or `ring`; all unless given.
    kind: Option<Kind>,
    /// The auction in which it came up last.
    auction: Option<Uuid>,
    /// The account that it is about.
    account: Option<Uuid>,
    /// `desc`, the newest first, unless given; or `asc`.
    #[param(inline)]
    order: Option<Order>,
    /// Items on the page, 1 to 200; 50 unless given.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// By when they first came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModerationOrder)]
pub enum Order {
    /// The oldest first.
    Asc,
    /// The newest first.
    Desc,
}

/// The queue as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<Status>,
    pub kind: Option<Kind>,
    pub auction: Option<Uuid>,
    pub account: Option<Uuid>,
    pub order: Order,
}

impl QueueQuery {
    /// Which items are asked for.
    pub fn filter(&self) -> Filter {
        let Self { status, kind, auction, account, order, .. } = self;
        Filter {
            status: *status,
            kind: *kind,
            auction: *auction,
            account: *account,
            order: order.unwrap_or(Order::Desc),
        }
    }
}

impl Complaint {
    /// The reason, if it fits.
    pub fn reason(&self) -> Result<&str, ApiError> {
        checked(&self.reason)
    }
}

impl Resolve {
    /// The reason, if it fits.
    pub fn reason(&self) -> Result<&str, ApiError> {
        checked(&self.reason)
    }
}

fn checked(reason: &str) -> Result<&str, ApiError> {
    plain_text(reason, REASON_MAX_CHARS).ok_or_else(|| {
        ApiError::invalid("invalid_reason", "reason", format!("a reason has 1 to {REASON_MAX_CHARS} characters"))
    })
}
