//! What the hub keeps of the person of an account, and how it lets go of it: the row stays, and nobody is behind it.

use serde::Serialize;
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::{At, NAMELESS};
use crate::sql;

/// The account.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::accounts) struct AccountPart {
    id: Uuid,
    email: Option<String>,
    email_confirmed_at: Option<At>,
    external_subject: Option<String>,
    external_email: Option<String>,
    display_name: String,
    banned_at: Option<At>,
    ban_reason: Option<String>,
    frozen_at: Option<At>,
    freeze_reason: Option<String>,
    created_at: At,
}

pub(in crate::features::accounts) fn account(tx: &mut Tx, account: AccountId) -> Rows<'_, AccountPart> {
    let text =
        "select id, email, email_confirmed_at, external_subject, external_email, display_name, banned_at, ban_reason,
            frozen_at, freeze_reason, created_at
         from accounts where id = $1";
    sql!(tx.on(), stream AccountPart, text, account.0)
}

/// A role.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::accounts) struct RolePart {
    role: String,
    granted_at: At,
}

pub(in crate::features::accounts) fn roles(tx: &mut Tx, account: AccountId) -> Rows<'_, RolePart> {
    let text = "select role, granted_at from account_roles where account_id = $1 order by role";
    sql!(tx.on(), stream RolePart, text, account.0)
}

/// A session, without what opens it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::accounts) struct SessionPart {
    created_at: At,
    expires_at: At,
}

pub(in crate::features::accounts) fn sessions(tx: &mut Tx, account: AccountId) -> Rows<'_, SessionPart> {
    let text = "select created_at, expires_at from sessions where account_id = $1 order by created_at";
    sql!(tx.on(), stream SessionPart, text, account.0)
}

/// Empties the row, and keeps whoever still comes with it from doing anything.
pub(in crate::features::accounts) async fn empty(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text =
        "update accounts set email = null, email_confirmed_at = null, external_subject = null, external_email = null,
            display_name = $3, password_hash = null, banned_at = coalesce(banned_at, $2),
            ban_reason = 'erased', freeze_reason = null, erased_at = coalesce(erased_at, $2), leaving_until = null
         where id = $1";
    sql!(tx.on(), exec, text, account.0, to_datetime(now), NAMELESS)?;
    Ok(())
}

pub(in crate::features::accounts) async fn delete_roles(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from account_roles where account_id = $1", account.0)?;
    Ok(())
}

pub(in crate::features::accounts) async fn delete_sessions(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from sessions where account_id = $1", account.0)?;
    Ok(())
}

pub(in crate::features::accounts) async fn delete_mailed_tokens(
    tx: &mut Tx,
    account: AccountId,
) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from mailed_tokens where account_id = $1", account.0)?;
    Ok(())
}
