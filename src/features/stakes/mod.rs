//! What people have at stake: in which auctions they bid and how they stand there, which ones they watch, and what they are
//! told of either.
//!
//! It follows the logs of auctions and decides nothing in them. What is told is written with the event that caused it, in
//! one transaction, once however often the log is read.

mod notes;
mod personal;
mod projection;
mod race;
mod reminders;
mod response;
pub mod routes;
mod store;

use std::sync::Arc;

use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::ApiError;
use crate::notify::Outbox;
use crate::persistence::Db;
use crate::room::Rooms;

pub use personal::StakesPart;
pub use projection::StakesProjection;
pub use reminders::REMIND_INTERVAL_S;

/// How many auctions an account may watch.
pub const WATCHED_MAX: i64 = 500;

/// What stakes need.
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// Where auctions are live.
    pub rooms: Rooms,
    /// Which node does what is done once.
    pub leases: Arc<dyn Leases>,
    /// Where it is said that somebody was told something.
    pub outbox: Outbox,
    /// The time.
    pub clock: Clock,
}

/// The stakes of all people.
#[derive(Clone)]
pub struct Stakes(Arc<Parts>);

impl Stakes {
    /// Stakes over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Has an account watch an auction. Harmless if it does.
    async fn watch(&self, account: AccountId, auction: AuctionId) -> Result<(), ApiError> {
        if !store::is_known(self.db(), auction).await? {
            // Its row may be on its way.
            self.0.rooms.get(auction).await?;
        }
        if store::watch(self.db(), account, auction, self.now(), WATCHED_MAX).await? {
            return Ok(());
        }
        let detail = format!("an account watches {WATCHED_MAX} auctions at most");
        Err(ApiError::conflict("watchlist_full", detail))
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl std::fmt::Debug for Stakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stakes")
    }
}
