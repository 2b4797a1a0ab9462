//! The SQL of checkpoints: up to which position of the journal each projection has come, and which auctions it passes over.

use uuid::Uuid;

use crate::domain::AuctionId;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// Where the projection stands; one never seen before stands before the first record.
pub(super) async fn position(db: &Db, name: &str) -> Result<i64, StoreError> {
    let text = "select position from projection_checkpoints where name = $1";
    if let Some(position) = sql!(db.write(), opt_scalar i64, text, name)? {
        return Ok(position);
    }
    let text = "insert into projection_checkpoints (name, position) values ($1, 0) on conflict (name) do nothing";
    sql!(db.write(), exec, text, name)?;
    Ok(0)
}

/// Moves a checkpoint on. False if it no longer stands where this process believes it to: another one has moved it.
pub(super) async fn advance(tx: &mut Tx, name: &str, from: i64, to: i64) -> Result<bool, StoreError> {
    let text = "update projection_checkpoints set position = $1 where name = $2 and position = $3";
    Ok(sql!(tx.on(), exec, text, to, name, from)? == 1)
}

/// The auctions that are passed over, each with the position from which on.
pub(super) async fn aside(db: &Db) -> Result<Vec<(AuctionId, i64)>, StoreError> {
    let rows = sql!(db.write(), all(Uuid, i64), "select auction, position from projection_aside")?;
    Ok(rows.into_iter().map(|(auction, position)| (AuctionId(auction), position)).collect())
}

/// Passes over an auction from `position` on.
pub(super) async fn set_aside(tx: &mut Tx, auction: AuctionId, position: i64) -> Result<(), StoreError> {
    let text = "insert into projection_aside (auction, position) values ($1, $2) on conflict (auction) do nothing";
    sql!(tx.on(), exec, text, auction.0, position)?;
    Ok(())
}

/// Takes an auction in again that was passed over from `position` on: all projections go back to before it, and what they
/// have already they know.
pub(super) async fn take_in(db: &Db, auction: AuctionId, position: i64) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let text = "update projection_checkpoints set position = $1 where position > $1";
    sql!(tx.on(), exec, text, position - 1)?;
    sql!(tx.on(), exec, "delete from projection_aside where auction = $1", auction.0)?;
    tx.commit().await
}
