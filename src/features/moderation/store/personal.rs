//! What moderation keeps of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::{At, ERASED};
use crate::sql;

/// A report that they made.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::moderation) struct ReportPart {
    kind: String,
    target: Uuid,
    auction: Uuid,
    reason: String,
    at: At,
    status: String,
    closed_at: Option<At>,
}

pub(in crate::features::moderation) fn reports(tx: &mut Tx, account: AccountId) -> Rows<'_, ReportPart> {
    let text =
        "select kind, target, auction, reason, at, status, closed_at from reports where reporter = $1 order by id";
    sql!(tx.on(), stream ReportPart, text, account.0)
}

/// The words of reports go; that something was reported stays.
pub(in crate::features::moderation) async fn empty_reports(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "update reports set reason = $2 where reporter = $1", account.0, ERASED)?;
    Ok(())
}
