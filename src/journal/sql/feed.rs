//! The records of all logs in the order of their commit, for projections. Whoever commits records locks the instance row
//! before the first of them gets its position, so that none ever appears behind a position that was read already. What
//! was rolled back leaves holes, which mean nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::rows::PositionedRow;
use crate::domain::AuctionId;
use crate::journal::{JournalError, Record};
use crate::persistence::Db;
use crate::sql;

/// A record with its place among the records of all logs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Positioned {
    /// The place.
    pub position: i64,
    /// Whose log.
    pub auction: AuctionId,
    /// The record.
    pub record: Record,
}

/// Reads what is committed, and tells when there is more.
#[derive(Clone, Debug)]
pub struct Feed {
    db: Db,
    moved: Arc<Notify>,
    ask_every: Duration,
}

impl Feed {
    /// The records in `db`. Whoever commits in this process notifies `moved`; those of other processes are asked for every
    /// `ask_every`.
    pub(super) fn new(db: Db, moved: Arc<Notify>, ask_every: Duration) -> Self {
        Self { db, moved, ask_every }
    }

    /// Up to `limit` records after `position`.
    pub async fn after(&self, position: i64, limit: i64) -> Result<Vec<Positioned>, JournalError> {
        let text = "select position, auction, seq, epoch, version, public, private, commitment, digest
             from journal_records where position > $1 order by position limit $2";
        let rows = sql!(self.db.read(), all PositionedRow, text, position, limit)?;
        rows.into_iter().map(PositionedRow::into_positioned).collect()
    }

    /// The position of the newest record of all; 0 if there is none.
    pub async fn last_position(&self) -> Result<i64, JournalError> {
        let text = "select coalesce(max(position), 0) from journal_records";
        Ok(sql!(self.db.read(), scalar i64, text)?)
    }

    /// Resolves when this process has committed something after the call before, or when it is time to ask whether
    /// another has. For one listener.
    pub async fn moved(&self) {
        // Which of the two it was makes no difference.
        let _ = tokio::time::timeout(self.ask_every, self.moved.notified()).await;
    }
}
