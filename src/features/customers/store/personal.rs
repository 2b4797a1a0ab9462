//! What snapshots have of a person.

use serde::Serialize;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// When they were there.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::customers) struct PresencePart {
    watched_ms: i64,
    last_seen: At,
}

pub(in crate::features::customers) fn presence(tx: &mut Tx, account: AccountId) -> Rows<'_, PresencePart> {
    let text = "select watched_ms, last_seen from customer_presence where account = $1";
    sql!(tx.on(), stream PresencePart, text, account.0)
}

/// A snapshot.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::customers) struct SnapshotPart {
    due_at: At,
    bids: i64,
    wins: i64,
    watched_ms: Option<i64>,
    last_seen: Option<At>,
}

pub(in crate::features::customers) fn own_snapshots(tx: &mut Tx, account: AccountId) -> Rows<'_, SnapshotPart> {
    let text =
        "select due_at, bids, wins, watched_ms, last_seen from customer_snapshots where account = $1 order by due_at";
    sql!(tx.on(), stream SnapshotPart, text, account.0)
}

/// What they had spent.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::customers) struct SpentPart {
    due_at: At,
    currency: String,
    amount: i64,
}

pub(in crate::features::customers) fn own_spend(tx: &mut Tx, account: AccountId) -> Rows<'_, SpentPart> {
    let text = "select due_at, currency, amount from customer_spend where account = $1 order by due_at, currency";
    sql!(tx.on(), stream SpentPart, text, account.0)
}

pub(in crate::features::customers) async fn delete_presence(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from customer_presence where account = $1", account.0)?;
    Ok(())
}

pub(in crate::features::customers) async fn delete_snapshots(
    tx: &mut Tx,
    account: AccountId,
) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from customer_snapshots where account = $1", account.0)?;
    Ok(())
}

pub(in crate::features::customers) async fn delete_spend(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from customer_spend where account = $1", account.0)?;
    Ok(())
}
