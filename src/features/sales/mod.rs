//! Sales: auctions are settled as their logs end, each sale gets an invoice, and what cannot be paid becomes a case that
//! staff decides.
//!
//! Everything that follows from a log is done by [`SalesProjection`], once however often the log is read, and together with
//! the money that it moves. Nothing here decides who won, or moves money but by the ledger.

mod cases;
mod invoices;
mod notes;
mod page;
mod personal;
mod projection;
pub mod routes;
mod store;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::domain::{AccountId, Timestamp};
use crate::notify::Outbox;
use crate::persistence::{Db, StoreError, Tx};

pub use cases::{CaseKind, NewCase, Resolution, open as open_case};
pub use personal::SalesPart;
pub use projection::SalesProjection;

/// How often it is counted how many cases are open, in seconds.
pub const MEASURE_INTERVAL_S: u64 = 10;

/// A decision of staff about a case, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// Which case.
    pub case: Uuid,
    /// What was decided.
    pub resolution: Resolution,
    /// Why.
    pub note: String,
    /// The request that asked for it.
    pub request: String,
}

/// Where decisions of staff are written down.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes a decision down in the transaction that carries it out.
    async fn record(&self, tx: &mut Tx, decision: &Decision) -> Result<(), StoreError>;
}

/// What sales need.
pub struct Parts {
    /// Where everything is.
    pub db: Db,
    /// Where decisions are written down.
    pub trail: Arc<dyn Trail>,
    /// The time.
    pub clock: Clock,
    /// Where it is said that people were told something.
    pub outbox: Outbox,
    /// The address of the hub, which stands on its invoices.
    pub public_url: String,
}

/// Invoices and cases.
#[derive(Clone)]
pub struct Sales(Arc<Parts>);

impl Sales {
    /// Sales over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Measures how many cases are open.
    pub async fn measure(&self) {
        match store::open_cases(self.db()).await {
            Ok(counts) => {
                for kind in CaseKind::ALL {
                    let count = counts.iter().find(|(name, _)| name == kind.name()).map_or(0, |(_, count)| *count);
                    metrics::gauge!("bidhub_staff_cases_open", "kind" => kind.name()).set(count as f64);
                }
            }
            Err(error) => tracing::warn!(%error, "open cases could not be counted: {error}"),
        }
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl std::fmt::Debug for Sales {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sales")
    }
}

/// The id of what follows from `cause` at `at`: a UUIDv7 of which nothing is chance, so that who reads a log twice gives it
/// the same id twice.
fn derived_id(at: Timestamp, cause: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(cause.as_bytes()).into();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(at.millis().unsigned_abs(), &bytes).into_uuid()
}
