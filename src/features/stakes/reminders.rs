//! Says to those who watch an auction that it ends soon: once for an end, whichever node does it and however often a soft
//! close moves it. An end that moves by an hour and more, after a pause or by new terms, is another one.

use super::{Stakes, notes, store};
use crate::clock::from_datetime;
use crate::domain::Span;
use crate::notify;
use crate::persistence::StoreError;

/// How often it is looked, in seconds.
pub const REMIND_INTERVAL_S: u64 = 3;
/// So long before the end.
const AHEAD: Span = Span::from_secs(600);
/// An end that lies less than this after one that was told of is the same.
const SAME_END: Span = Span::from_secs(3_600);
/// How many are told in one transaction, and in how many at once.
const BATCH: i64 = 200;
const BATCHES_MAX: u32 = 50;
/// The name under which nodes agree on which of them does it.
const TASK: &str = "ending_soon";

impl Stakes {
    /// Tells those who are to be told now, if this node is the one that does it.
    pub async fn remind(&self) {
        match self.0.leases.task(TASK).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::debug!(%error, "whether this node reminds cannot be learned: {error}"),
        }
        for _ in 0..BATCHES_MAX {
            match self.remind_some().await {
                Ok(told) => {
                    if told > 0 {
                        self.0.outbox.wake();
                    }
                    if told < BATCH.unsigned_abs() {
                        return;
                    }
                }
                // What was not committed is due the next time.
                Err(error) => return tracing::warn!(%error, "who watches could not be reminded: {error}"),
            }
        }
    }

    async fn remind_some(&self) -> Result<u64, StoreError> {
        let now = self.now();
        let due = store::reminders_due(self.db(), now, now.plus(AHEAD), BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        let mut told = Vec::new();
        for row in due {
            let ends_at = from_datetime(row.ends_at);
            // Another node may have told it meanwhile, or the account watches no more.
            if store::take_reminder(&mut tx, row.account, row.auction, ends_at, ends_at.plus(SAME_END)).await? {
                told.push(notes::ending_soon(row.account, row.auction, &row.title, ends_at, now));
            }
        }
        let told = notify::write(&mut tx, &told).await?;
        tx.commit().await?;
        Ok(told)
    }
}
