//! What people read of what they were told: the list, what is read of it, and how they want to hear of what.
//!
//! Nothing is written here that somebody is told: see [`crate::notify`].

mod personal;
mod preferences;
pub mod routes;
mod store;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::Span;
use crate::notify;
use crate::persistence::Db;

pub use personal::NotificationsPart;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// What notifications need.
#[derive(Debug)]
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// The time.
    pub clock: Clock,
}

/// The notifications of the hub.
#[derive(Clone, Debug)]
pub struct Notifications(Arc<Parts>);

impl Notifications {
    /// Notifications over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Deletes what is older than so many days.
    pub async fn sweep(&self, keep_days: u32) {
        let keep = Span::from_millis(i64::from(keep_days) * DAY_MS);
        notify::sweep(&self.0.db, self.0.clock.now(), keep).await;
    }
}
