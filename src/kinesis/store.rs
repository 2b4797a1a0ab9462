//! The SQL of the stream's checkpoint: up to which position of the journal everything is in the stream.

use crate::persistence::{Db, StoreError};
use crate::sql;

/// Where the stream stands; one never seen before stands before the first record.
pub(super) async fn position(db: &Db, name: &str) -> Result<i64, StoreError> {
    let text = "select position from stream_checkpoints where name = $1";
    if let Some(position) = sql!(db.write(), opt_scalar i64, text, name)? {
        return Ok(position);
    }
    let text = "insert into stream_checkpoints (name, position) values ($1, 0) on conflict (name) do nothing";
    sql!(db.write(), exec, text, name)?;
    Ok(0)
}

/// Moves the checkpoint on. False if it no longer stands where this process believes it to: another one has moved it.
pub(super) async fn advance(db: &Db, name: &str, from: i64, to: i64) -> Result<bool, StoreError> {
    let text = "update stream_checkpoints set position = $1 where name = $2 and position = $3";
    Ok(sql!(db.write(), exec, text, to, name, from)? == 1)
}
