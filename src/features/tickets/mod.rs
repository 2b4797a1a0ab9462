//! Support tickets: what users ask staff, the answers, and the queue from which staff works.
//!
//! A ticket is seen by its author and by staff, by nobody else. Internal notes are seen by staff alone, and never by the
//! author, also not if that is staff; nobody handles a ticket of their own. Banned users may write: it is how they object.

mod asking;
mod body;
mod handling;
mod personal;
mod queue;
mod request;
pub mod routes;
mod staff_routes;
mod standing;
mod store;
mod telling;

use std::sync::Arc;

use uuid::Uuid;

use crate::auth::{Action, Caller, authorize};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::ApiError;
use crate::live::Live;
use crate::notify::Outbox;
use crate::persistence::{Db, StoreError, Tx};
use crate::rate_limit::RateLimits;

pub use personal::TicketsPart;

use store::TicketRow;

/// Where auctions are known.
#[async_trait::async_trait]
pub trait Lots: Send + Sync + 'static {
    /// True if there is such an auction, whatever has become of it.
    async fn exists(&self, auction: AuctionId) -> Result<bool, ApiError>;
}

/// Where accounts are known.
#[async_trait::async_trait]
pub trait People: Send + Sync + 'static {
    /// True if there is such an account, and it may handle tickets.
    async fn is_staff(&self, account: AccountId) -> Result<bool, StoreError>;
}

/// An act of staff on a ticket, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who acted.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// Which ticket.
    pub ticket: Uuid,
    /// What was done.
    pub deed: Deed,
    /// The request that asked for it.
    pub request: String,
}

/// What staff does to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Answered it.
    Answer,
    /// Wrote an internal note.
    Note,
    /// Gave it this status.
    Status(&'static str),
    /// Gave it to this member of staff, or to nobody.
    Assign(Option<AccountId>),
}

/// Where acts of staff are written down.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes an act down in the transaction that does it.
    async fn record(&self, tx: &mut Tx, act: &Act) -> Result<(), StoreError>;
}

/// What tickets need.
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// Where auctions are known.
    pub lots: Arc<dyn Lots>,
    /// Where accounts are known.
    pub people: Arc<dyn People>,
    /// Where acts of staff are written down.
    pub trail: Arc<dyn Trail>,
    /// Shows what is written to both sides.
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

/// The tickets of the hub.
#[derive(Clone)]
pub struct Tickets(Arc<Parts>);

/// As whom somebody reads a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Who opened it.
    Author,
    /// Whoever handles it.
    Staff,
}

impl Tickets {
    /// Tickets over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// A ticket, and as whom `caller` sees it; 404 for whoever is neither side of it.
    async fn seen_by(&self, caller: &Caller, id: Uuid) -> Result<(TicketRow, Side), ApiError> {
        let row = store::ticket(self.db(), id).await?.ok_or_else(unknown_ticket)?;
        let side = if row.author == caller.account().0 {
            Side::Author
        } else if authorize(Some(caller), Action::HandleTickets).is_ok() {
            Side::Staff
        } else {
            return Err(unknown_ticket());
        };
        Ok((row, side))
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

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

fn unknown_ticket() -> ApiError {
    ApiError::not_found("unknown_ticket", "there is no such ticket")
}
