//! Deletes images that no auction shows, an hour after they were last wanted. One that an auction shows is looked at once a
//! day; what the rows of auctions do not say yet is kept by [`super::Images::wanted`].

use std::time::Duration;

use super::{Images, store};
use crate::domain::{Span, Timestamp};
use crate::persistence::{Db, StoreError};

/// How often it is looked, in seconds.
pub const SWEEP_INTERVAL_S: u64 = 3;
/// How long an image stays without an auction.
pub const UNUSED_MAX: Span = Span::from_secs(3_600);
/// How long one that an auction shows is not looked at beyond that.
const USED: Span = Span::from_secs(23 * 3_600);
/// How many go at once, so that nobody waits long for the writer of the database, and how often in a row at most.
const BATCH: i64 = 50;
const BATCHES_MAX: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);
/// The name under which nodes agree on which of them does it.
const TASK: &str = "images";

impl Images {
    /// Sweeps, if this node is the one that does it.
    pub async fn sweep(&self) {
        match self.0.parts.leases.task(TASK).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::debug!(%error, "whether this node sweeps cannot be learned: {error}"),
        }
        let now = self.now();
        // An auction whose row is not there yet shows nothing; while rows are late, nobody can say what is in use.
        if self.0.parts.progress.check(now).is_err() {
            return;
        }
        match sweep(self.db(), now).await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "{gone} images that no auction shows were swept out"),
            Err(error) => tracing::warn!(%error, "unused images could not be swept out: {error}"),
        }
    }
}

/// Deletes what has not been wanted for [`UNUSED_MAX`] before `now`; gives how many. What is left after many batches goes
/// the next time.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    let before = now.minus(UNUSED_MAX);
    let mut all = 0;
    for _ in 0..BATCHES_MAX {
        if !store::any_due(db, before).await? {
            break;
        }
        store::keep_used(db, before, now.plus(USED), BATCH).await?;
        let gone = store::delete_unused(db, before, BATCH).await?;
        metrics::counter!("bidhub_images_swept_total").increment(gone);
        all += gone;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(all)
}
