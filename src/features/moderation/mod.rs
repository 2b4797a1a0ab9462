//! The moderation queue: what people report, and what in the log of auctions looks like shills or rings, for staff to decide.
//!
//! Nothing here acts on anybody: staff reads, decides that it is so or not, and does what follows elsewhere. What is
//! decided stands in the audit trail. The queue is seen by staff alone; who reported something is never told to whom it is
//! about, and nobody decides about themselves.

mod body;
mod evidence;
mod personal;
mod projection;
mod reporting;
mod request;
mod resolving;
pub mod routes;
pub mod signals;
mod store;
mod telling;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::{Duty, Leases};
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::ApiError;
use crate::live::Live;
use crate::persistence::{Db, StoreError, Tx};
use crate::rate_limit::RateLimits;

pub use personal::ModerationPart;
pub use projection::ModerationProjection;
pub use reporting::{Report, Reported};

/// How often open items are counted, in seconds.
pub const MEASURE_INTERVAL_S: u64 = 30;
/// The name under which nodes agree on which of them looks for what is to be shown.
const TASK: &str = "moderation";

/// What an item of the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModerationKind)]
pub enum Kind {
    /// A comment was reported.
    CommentReport,
    /// An auction was reported.
    AuctionReport,
    /// Somebody looks like a shill of a seller.
    Shill,
    /// Somebody looks like one of a ring of shills.
    Ring,
}

/// Whether an item waits for a decision, or what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModerationStatus)]
pub enum Status {
    /// It waits.
    Open,
    /// It is as it looked.
    Upheld,
    /// It is not.
    Dismissed,
}

/// What staff decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModerationOutcome)]
pub enum Outcome {
    /// It is as it looks.
    Upheld,
    /// It is not.
    Dismissed,
}

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A comment.
    Comment(Uuid),
    /// An auction.
    Auction(AuctionId),
}

/// A decision of staff, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// About which item.
    pub item: Uuid,
    /// What.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The request that asked for it.
    pub request: String,
}

/// Where acts of staff are written down.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes a decision down in the transaction that makes it.
    async fn record(&self, tx: &mut Tx, decision: &Decision) -> Result<(), StoreError>;
}

/// Where auctions are known.
#[async_trait::async_trait]
pub trait Lots: Send + Sync + 'static {
    /// Who sells it; none if there is no such auction.
    async fn seller(&self, auction: AuctionId) -> Result<Option<AccountId>, ApiError>;
}

/// What moderation needs.
pub struct Parts {
    /// Where the queue is.
    pub db: Db,
    /// Where auctions are known.
    pub lots: Arc<dyn Lots>,
    /// Where acts of staff are written down.
    pub trail: Arc<dyn Trail>,
    /// Say which node looks for what is to be shown.
    pub leases: Arc<dyn Leases>,
    /// Shows staff what comes into the queue.
    pub live: Live,
    /// How often anyone may report.
    pub limits: Arc<RateLimits>,
    /// The time.
    pub clock: Clock,
    /// For ids.
    pub chance: Chance,
}

/// The moderation of the hub.
#[derive(Clone)]
pub struct Moderation(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// Whether this node looks for what others have left to be shown.
    duty: Duty,
    /// Something is to be shown to staff.
    untold: Notify,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CommentReport, Self::AuctionReport, Self::Shill, Self::Ring];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommentReport => "comment_report",
            Self::AuctionReport => "auction_report",
            Self::Shill => "shill",
            Self::Ring => "ring",
        }
    }
}

impl Status {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

impl Outcome {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

impl Subject {
    /// The kind of its reports, and its id.
    const fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::Comment(id) => ("comment", id),
            Self::Auction(id) => ("auction", id.0),
        }
    }

    /// The kind of item that a report of it is.
    const fn kind(self) -> Kind {
        match self {
            Self::Comment(_) => Kind::CommentReport,
            Self::Auction(_) => Kind::AuctionReport,
        }
    }
}

impl Moderation {
    /// Moderation over these parts.
    pub fn new(parts: Parts) -> Self {
        let duty = Duty::new(parts.leases.clone(), TASK);
        Self(Arc::new(Inner { parts, duty, untold: Notify::new() }))
    }

    /// Measures how many items are open.
    pub async fn measure(&self) {
        match store::open_items(self.db()).await {
            Ok(counts) => {
                for kind in Kind::ALL {
                    let count = counts.iter().find(|(name, _)| name == kind.name()).map_or(0, |(_, count)| *count);
                    metrics::gauge!("bidhub_moderation_open", "kind" => kind.name()).set(count as f64);
                }
            }
            Err(error) => tracing::warn!(%error, "open items of the moderation queue could not be counted: {error}"),
        }
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

impl std::fmt::Debug for Moderation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Moderation")
    }
}

fn unknown_item() -> ApiError {
    ApiError::not_found("unknown_item", "there is no such item in the queue")
}
