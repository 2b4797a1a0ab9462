//! Customers as staff sees them: what each has bid, won, spent and watched, written down every few minutes.
//!
//! Figures are totals up to the moment of a snapshot, read from what the log of auctions and the invoices say. Nothing is
//! decided by them, and nobody but staff sees those of somebody else.

mod body;
mod csv;
mod personal;
mod presence;
pub mod routes;
mod snapshots;
mod store;

use std::sync::Arc;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::{NodeId, Timestamp};
use crate::persistence::Db;
use crate::schedule::Schedule;

pub use personal::CustomersPart;
pub use presence::{Counted, Crowd, Presence};
pub use snapshots::{Before, Log, Run};

/// What customers need.
pub struct Parts {
    /// Where everything is.
    pub db: Db,
    /// Says which node looks whether a run is due.
    pub leases: Arc<dyn Leases>,
    /// This node.
    pub node: NodeId,
    /// When runs are due.
    pub schedule: Schedule,
    /// For how many days snapshots are kept.
    pub keep_days: u32,
    /// The time.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
}

/// The customers of the hub.
#[derive(Clone)]
pub struct Customers(Arc<Parts>);

impl Customers {
    /// Customers over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    fn parts(&self) -> &Parts {
        &self.0
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl std::fmt::Debug for Customers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Customers")
    }
}
