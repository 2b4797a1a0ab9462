//! What stakes have of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// How they stand in an auction.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::stakes) struct StakePart {
    auction: Uuid,
    alias: i64,
    standing: String,
    bids: i64,
    last_at: At,
}

pub(in crate::features::stakes) fn stakes(tx: &mut Tx, account: AccountId) -> Rows<'_, StakePart> {
    let text = "select auction, alias, standing, bids, last_at from stakes where bidder = $1 order by last_at, auction";
    sql!(tx.on(), stream StakePart, text, account.0)
}

/// An auction that they watch.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::stakes) struct WatchPart {
    auction: Uuid,
    at: At,
}

pub(in crate::features::stakes) fn watched(tx: &mut Tx, account: AccountId) -> Rows<'_, WatchPart> {
    let text = "select auction, at from watchlist where account = $1 order by at, auction";
    sql!(tx.on(), stream WatchPart, text, account.0)
}

pub(in crate::features::stakes) async fn delete_watched(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from watchlist where account = $1", account.0)?;
    Ok(())
}
