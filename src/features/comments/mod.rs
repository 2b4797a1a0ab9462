//! Comments on auctions: threads of two levels that everyone reads, and reports to staff about them.
//!
//! Comments are not anonymous, and never joined with anything about bidding: who wrote one is shown by name, never by
//! account or alias. Deleting one keeps the thread and drops the text. What staff makes of a report is decided elsewhere.

mod body;
mod cached;
mod personal;
mod reading;
mod reports;
mod request;
pub mod routes;
mod store;
mod telling;
mod writing;

use std::sync::Arc;

use uuid::Uuid;

use crate::cache::Cache;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::ApiError;
use crate::live::Live;
use crate::notify::Outbox;
use crate::persistence::{Db, StoreError, Tx};
use crate::rate_limit::RateLimits;

pub use personal::CommentsPart;

/// What comments need to know of an auction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Who sells it.
    pub seller: AccountId,
    /// What it is called.
    pub title: String,
}

/// Where auctions are known.
#[async_trait::async_trait]
pub trait Lots: Send + Sync + 'static {
    /// The auction, whatever has become of it; none if there is none.
    async fn lot(&self, auction: AuctionId) -> Result<Option<Lot>, ApiError>;
}

/// A comment that staff has deleted, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Who deleted it.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// Which comment.
    pub comment: Uuid,
    /// Why, if they said so.
    pub reason: Option<String>,
    /// The request that asked for it.
    pub request: String,
}

/// Where acts of staff are written down.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes a deletion down in the transaction that does it.
    async fn record(&self, tx: &mut Tx, deletion: &Deletion) -> Result<(), StoreError>;
}

/// A report of a comment, to be.
#[derive(Debug, Clone, Copy)]
pub struct NewReport<'a> {
    /// Of which comment.
    pub comment: Uuid,
    /// Who wrote that.
    pub author: AccountId,
    /// On which auction.
    pub auction: AuctionId,
    /// Who reports it.
    pub reporter: AccountId,
    /// Why.
    pub reason: &'a str,
}

/// A report of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: Uuid,
    /// Of which comment.
    pub comment: Uuid,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// `open` or `closed`.
    pub status: String,
}

/// Where staff is told of comments.
#[async_trait::async_trait]
pub trait Desk: Send + Sync + 'static {
    /// What somebody has reported of a comment, if they have.
    async fn reported(&self, comment: Uuid, reporter: AccountId) -> Result<Option<Report>, StoreError>;
    /// Puts a report before staff. True if it is new; who has reported the comment before gets that report, unchanged.
    async fn report(&self, report: &NewReport<'_>) -> Result<(Report, bool), ApiError>;
}

/// What comments need.
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// Where auctions are known.
    pub lots: Arc<dyn Lots>,
    /// Where acts of staff are written down.
    pub trail: Arc<dyn Trail>,
    /// Where staff is told of comments.
    pub desk: Arc<dyn Desk>,
    /// What is kept of them so that it need not be looked up.
    pub cache: Cache,
    /// Shows what is written to everyone in the room.
    pub live: Live,
    /// Where it is said that somebody was told something.
    pub outbox: Outbox,
    /// How often anyone may write.
    pub limits: Arc<RateLimits>,
    /// The time.
    pub clock: Clock,
    /// For ids.
    pub chance: Chance,
}

/// The comments of the hub.
#[derive(Clone)]
pub struct Comments(Arc<Parts>);

impl Comments {
    /// Comments over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// An id for something made at `now`.
    fn new_id(&self, now: Timestamp) -> Uuid {
        self.0.chance.uuid(now)
    }
}

impl std::fmt::Debug for Comments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Comments")
    }
}

fn unknown_comment() -> ApiError {
    ApiError::not_found("unknown_comment", "there is no such comment")
}
