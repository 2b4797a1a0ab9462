//! Shows staff who are there what comes into the queue and what is decided: each item as it is now.
//!
//! Items come by requests and by the projection; either leaves a mark in the row, and this takes it away. An item that was
//! taken by a node which then ended is not shown again: who was away reads the list.

use std::time::Duration;

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::body::ItemBody;
use super::{Moderation, store};
use crate::live::Audience;
use crate::persistence::StoreError;

/// How often one node looks for what the projection has put into the queue, and for what a node that died has not shown.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many items are shown at a time.
const PAGE: i64 = 50;

/// An item that is new or has changed.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "moderation")]
struct Push {
    item: ItemBody,
}

impl Moderation {
    /// Says that there is something to show. Call it after the commit.
    pub(super) fn wake(&self) {
        self.0.untold.notify_one();
    }

    /// Shows what there is to show, until `stop`.
    pub async fn tell(self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.untold.notified() => {}
                _ = look.tick() => if !self.0.duty.is_ours().await {
                    continue;
                }
            }
            if let Err(error) = self.show().await {
                tracing::warn!(%error, "what is new in the moderation queue cannot be shown yet: {error}");
                look.reset();
            }
        }
    }

    async fn show(&self) -> Result<(), StoreError> {
        loop {
            let rows = store::untold(self.db(), PAGE).await?;
            let is_last = rows.len() < PAGE as usize;
            for row in rows {
                if store::tell(self.db(), row.id).await? {
                    self.parts().live.cast(Audience::Staff, &Push { item: ItemBody::new(row)? });
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}
