//! What people may ask for about themselves: all that the hub keeps of them, and that it lets them go.
//!
//! It asks every part of the hub ([`Personal`]) and knows none. What is erased is erased in one transaction or not at all, and
//! the account stays as a row without a person, so that the books, invoices and logs keep what they refer to. Nobody is
//! erased while money, a sale or an auction waits for them.

mod erasing;
mod exporting;
pub mod routes;
mod store;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::auth::{Caller, Denied, Role, Roles};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::{AccountId, Timestamp};
use crate::http::ApiError;
use crate::lifecycle::Tasks;
use crate::persistence::{Db, StoreError, Tx};
use crate::personal::Personal;
use crate::rate_limit::RateLimits;

pub use erasing::ERASE_AGAIN_INTERVAL_S;

/// How many exports a node makes at once: each keeps a connection to the database while it is read.
const EXPORTS_AT_ONCE: usize = 2;

/// What is needed of accounts.
#[async_trait]
pub trait Doors: Send + Sync + 'static {
    /// What the account may act as; none if there is no such account.
    async fn roles(&self, account: AccountId) -> Result<Option<Roles>, StoreError>;
    /// Whether the password is the one of the account; true if it has none and none is given.
    async fn is_password(&self, account: AccountId, password: Option<&str>) -> Result<bool, ApiError>;
    /// Ends the session or the foreign token by which somebody came.
    async fn sign_out(&self, caller: &Caller);
    /// Ends the sockets of the account.
    async fn end_sockets(&self, account: AccountId);
}

/// What was done about somebody's data, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Who did it.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// `export_user` or `erase_user`.
    pub action: &'static str,
    /// Whose data.
    pub account: AccountId,
    /// Why, if staff did it.
    pub reason: Option<String>,
    /// The request that asked for it.
    pub request: String,
}

/// Where it is written down what was done about somebody's data.
#[async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes it down in the transaction that does it.
    async fn record(&self, tx: &mut Tx, deed: &Deed) -> Result<(), StoreError>;
}

/// The log of auctions, which the main database follows.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Waits until the main database knows all that was in the log when this was called. False if `limit` is over before.
    async fn is_followed(&self, limit: Duration) -> Result<bool, ApiError>;
}

/// What is needed.
pub struct Parts {
    /// Where everything is.
    pub db: Db,
    /// All that keep something of people.
    pub keepers: Arc<[Arc<dyn Personal>]>,
    /// Where accounts are.
    pub doors: Arc<dyn Doors>,
    /// The audit trail.
    pub trail: Arc<dyn Trail>,
    /// The log of auctions.
    pub log: Arc<dyn Log>,
    /// What is kept ready of what people show to others.
    pub cache: Cache,
    /// Says which node looks after what came too late to be erased.
    pub leases: Arc<dyn Leases>,
    /// Where exports are made while they are read.
    pub tasks: Tasks,
    /// How often anyone may ask.
    pub limits: Arc<RateLimits>,
    /// The time.
    pub clock: Clock,
}

/// The privacy of people.
#[derive(Clone)]
pub struct Privacy(Arc<Inner>);

struct Inner {
    parts: Parts,
    exports: Arc<Semaphore>,
}

impl Privacy {
    /// Privacy over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)) }))
    }

    /// Staff acts on themselves as everybody does, and only an admin on staff.
    async fn check_rank(&self, caller: &Caller, account: AccountId) -> Result<(), ApiError> {
        if caller.account() == account {
            return Err(ApiError::conflict("own_account", "for the own account there is /api/me"));
        }
        let unknown = || ApiError::not_found("unknown_user", "there is no such account");
        let roles = self.parts().doors.roles(account).await?.ok_or_else(unknown)?;
        let ranked = roles.has(&Role::Staff) || roles.has(&Role::Admin);
        if ranked && !caller.identity.roles.has(&Role::Admin) {
            return Err(Denied::Forbidden.into());
        }
        Ok(())
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

impl std::fmt::Debug for Privacy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Privacy")
    }
}
