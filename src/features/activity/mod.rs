//! What goes on at the hub, for everybody to see: what is offered, bid, ended. In pages over REST, and live to whoever
//! follows it; and how many watch a room.
//!
//! It follows the logs of auctions and shows of them what their public events say, bidders by their number alone. Only the
//! newest is kept: the whole history of an auction is its log. Who is in a room sees its events there.

mod item;
mod projection;
pub mod routes;
mod store;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::AuctionId;
use crate::http::ApiError;
use crate::live::Viewers;
use crate::persistence::Db;
use crate::room::Rooms;

pub use projection::ActivityProjection;

/// How many items are kept, of all auctions together.
pub const KEPT_MAX: i64 = 500_000;
/// How often what is beyond that is swept out, in seconds.
pub const SWEEP_INTERVAL_S: u64 = 60;
/// How many rows go at once, so that nobody waits long for the writer of the database, and how often in a row at most.
const SWEEP_BATCH: i64 = 1_000;
const SWEEP_BATCHES_MAX: u32 = 300;
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// What activity needs.
pub struct Parts {
    /// Where it is.
    pub db: Db,
    /// Where auctions are live.
    pub rooms: Rooms,
    /// How many watch which room.
    pub viewers: Viewers,
}

/// The activity of the hub.
#[derive(Clone)]
pub struct Activity(Arc<Parts>);

impl Activity {
    /// Activity over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Deletes all but the newest [`KEPT_MAX`].
    pub async fn sweep(&self) {
        sweep(&self.0.db, KEPT_MAX).await;
    }

    /// Refuses what is no auction.
    async fn must_be(&self, auction: AuctionId) -> Result<(), ApiError> {
        if !store::is_known(&self.0.db, auction).await? {
            // What is known of it here may be on its way.
            self.0.rooms.get(auction).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Activity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Activity")
    }
}

/// Deletes the oldest beyond the `kept` newest, in batches. What is left after many batches goes the next time.
pub async fn sweep(db: &Db, kept: i64) {
    for _ in 0..SWEEP_BATCHES_MAX {
        match store::sweep(db, kept, SWEEP_BATCH).await {
            Ok(gone) if gone < SWEEP_BATCH.unsigned_abs() => return,
            Ok(_) => {}
            Err(error) => return tracing::warn!(%error, "old activity could not be swept out: {error}"),
        }
        tokio::time::sleep(SWEEP_PAUSE).await;
    }
}
