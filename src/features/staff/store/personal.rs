//! What the audit trail has of a person.

use serde::Serialize;

use crate::domain::AccountId;
use crate::persistence::{Rows, Tx};
use crate::personal::At;
use crate::sql;

/// What staff did to the account, without who did it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::staff) struct DeedPart {
    at: At,
    action: String,
    reason: Option<String>,
}

pub(in crate::features::staff) fn deeds(tx: &mut Tx, account: AccountId) -> Rows<'_, DeedPart> {
    let text = "select at, action, reason from staff_audit where target_kind = 'user' and target = $1 order by id";
    sql!(tx.on(), stream DeedPart, text, account.0)
}
