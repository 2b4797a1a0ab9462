//! The SQL of checkpoints: up to which position of the journal each projection has come.

use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// Where the projection stands; one never seen before stands before the first record.
pub(super) async fn position(db: &Db, name: &str) -> Result<i64, StoreError> {
    let text = "insert into projection_checkpoints (name, position) values ($1, 0) on conflict (name) do nothing";
    sql!(db.write(), exec, text, name)?;
    let text = "select position from projection_checkpoints where name = $1";
    Ok(sql!(db.write(), scalar i64, text, name)?)
}

/// Moves a checkpoint on. False if it no longer stands where this process believes it to: another one has moved it.
pub(super) async fn advance(tx: &mut Tx, name: &str, from: i64, to: i64) -> Result<bool, StoreError> {
    let text = "update projection_checkpoints set position = $1 where name = $2 and position = $3";
    Ok(sql!(tx.on(), exec, text, to, name, from)? == 1)
}
