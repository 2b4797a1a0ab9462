//! The SQL of accounts, sessions and mailed tokens.

pub(super) mod personal;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{ForeignProfile, Identity, Role, Roles};
use crate::chance::Chance;
use crate::clock::{from_datetime, to_datetime};
use crate::coordination::SessionId;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// An account as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountRow {
    /// Its id.
    pub id: Uuid,
    /// The address to sign in with, or that a foreign token told.
    pub email: Option<String>,
    /// When the address was confirmed.
    pub email_confirmed_at: Option<DateTime<Utc>>,
    /// The name that others see.
    pub display_name: String,
    /// When it was banned, if it is.
    pub banned_at: Option<DateTime<Utc>>,
    /// Why, in the words of staff.
    pub ban_reason: Option<String>,
    /// When it was frozen, if it is.
    pub frozen_at: Option<DateTime<Utc>>,
    /// Why, in the words of staff.
    pub freeze_reason: Option<String>,
    /// Until when it can do nothing because its person is being let go.
    pub leaving_until: Option<DateTime<Utc>>,
    /// What it may do beyond what everyone may.
    #[sqlx(skip)]
    pub roles: Roles,
}

/// Whether the database takes writes. A write that touches nothing asks more than a read: a full disk or a read-only
/// replica fails it.
pub async fn probe(db: &Db) -> Result<(), StoreError> {
    sql!(db.write(), exec, "delete from revoked_tokens where id = $1", &[0_u8; 0][..])?;
    Ok(())
}

/// An account to insert.
pub(super) struct NewAccount {
    pub(super) id: AccountId,
    pub(super) email: String,
    pub(super) display_name: String,
    pub(super) password_hash: String,
}

/// What a mailed token is good for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    ConfirmEmail,
    ResetPassword,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

pub(super) async fn insert_account(db: &Db, new: &NewAccount, now: Timestamp) -> Result<(), StoreError> {
    sql!(
        db.write(),
        exec,
        "insert into accounts (id, email, display_name, password_hash, created_at) values ($1, $2, $3, $4, $5)",
        new.id.0,
        &new.email,
        &new.display_name,
        &new.password_hash,
        to_datetime(now)
    )?;
    Ok(())
}

/// The account with this id.
pub(super) async fn account(db: &Db, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    let row = sql!(
        db.read(),
        opt AccountRow,
        "select id, coalesce(email, external_email) as email, email_confirmed_at, display_name, banned_at, ban_reason,
                frozen_at, freeze_reason, leaving_until
         from accounts where id = $1",
        id.0
    )?;
    let Some(mut row) = row else { return Ok(None) };
    row.roles = roles(db, id).await?;
    Ok(Some(row))
}

async fn roles(db: &Db, id: AccountId) -> Result<Roles, StoreError> {
    let names = sql!(db.read(), scalars String, "select role from account_roles where account_id = $1", id.0)?;
    let role = |name: String| {
        name.parse::<Role>().map_err(|detail| StoreError::Inconsistent { table: "account_roles", detail })
    };
    names.into_iter().map(role).collect()
}

/// The account that signs in with this address, and the hash of its password.
pub(super) async fn credentials(db: &Db, email: &str) -> Result<Option<(AccountId, Option<String>)>, StoreError> {
    let text = "select id, password_hash from accounts where email = $1";
    let row = sql!(db.read(), opt(Uuid, Option<String>), text, email)?;
    Ok(row.map(|(id, hash)| (AccountId(id), hash)))
}

pub(super) async fn password_hash(db: &Db, id: AccountId) -> Result<Option<String>, StoreError> {
    let text = "select password_hash from accounts where id = $1";
    Ok(sql!(db.read(), opt_scalar Option<String>, text, id.0)?.flatten())
}

/// Gives an account a role. True if it had it not.
pub(super) async fn grant_role(db: &Db, id: AccountId, role: &Role, now: Timestamp) -> Result<bool, StoreError> {
    let granted = sql!(
        db.write(),
        exec,
        "insert into account_roles (account_id, role, granted_at) values ($1, $2, $3) on conflict do nothing",
        id.0,
        role.as_str(),
        to_datetime(now)
    )?;
    Ok(granted == 1)
}

pub(super) async fn insert_session(
    db: &Db,
    id: SessionId,
    account: AccountId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sql!(
        db.write(),
        exec,
        "insert into sessions (id, account_id, created_at, expires_at) values ($1, $2, $3, $4)",
        &id.0[..],
        account.0,
        to_datetime(now),
        to_datetime(expires_at)
    )?;
    Ok(())
}

/// True if there was such a session.
pub(super) async fn delete_session(db: &Db, id: SessionId) -> Result<bool, StoreError> {
    Ok(sql!(db.write(), exec, "delete from sessions where id = $1", &id.0[..])? == 1)
}

pub(super) async fn revoke_token(db: &Db, id: SessionId, until: Timestamp) -> Result<(), StoreError> {
    let text = "insert into revoked_tokens (id, expires_at) values ($1, $2) on conflict do nothing";
    sql!(db.write(), exec, text, &id.0[..], to_datetime(until))?;
    Ok(())
}

/// Sets a password and ends all sessions but `keep`; gives those that ended.
pub(super) async fn set_password(
    db: &Db,
    account: AccountId,
    hash: &str,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    let mut tx = db.begin().await?;
    let ended = set_password_in(&mut tx, account, hash, keep).await?;
    tx.commit().await?;
    Ok(ended)
}

async fn set_password_in(
    tx: &mut Tx,
    account: AccountId,
    hash: &str,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    sql!(tx.on(), exec, "update accounts set password_hash = $1 where id = $2", hash, account.0)?;
    // A mail that still is on its way must not undo what its owner has just done.
    let text = "delete from mailed_tokens where account_id = $1 and purpose = $2";
    sql!(tx.on(), exec, text, account.0, Purpose::ResetPassword.as_str())?;
    let keep = keep.map_or(Vec::new(), |id| id.0.to_vec());
    let text = "delete from sessions where account_id = $1 and id <> $2 returning id";
    sql!(tx.on(), scalars Vec<u8>, text, account.0, keep)?.into_iter().map(session_id).collect()
}

fn session_id(bytes: Vec<u8>) -> Result<SessionId, StoreError> {
    let wrong = |bytes: Vec<u8>| format!("an id of {} bytes", bytes.len());
    bytes.try_into().map(SessionId).map_err(|b| StoreError::Inconsistent { table: "sessions", detail: wrong(b) })
}

pub(super) async fn insert_mailed_token(
    db: &Db,
    id: SessionId,
    account: AccountId,
    purpose: Purpose,
    until: Timestamp,
) -> Result<(), StoreError> {
    sql!(
        db.write(),
        exec,
        "insert into mailed_tokens (id, account_id, purpose, expires_at) values ($1, $2, $3, $4)",
        &id.0[..],
        account.0,
        purpose.as_str(),
        to_datetime(until)
    )?;
    Ok(())
}

/// Uses up a mailed token; gives the account that it was for, if it holds.
async fn redeem(tx: &mut Tx, id: SessionId, purpose: Purpose, now: Timestamp) -> Result<Option<AccountId>, StoreError> {
    let text = "delete from mailed_tokens where id = $1 and purpose = $2 and expires_at > $3 returning account_id";
    let account = sql!(tx.on(), opt_scalar Uuid, text, &id.0[..], purpose.as_str(), to_datetime(now))?;
    Ok(account.map(AccountId))
}

/// Sets a password by a mailed token, which also proves the address; gives the sessions that ended.
pub(super) async fn reset_password(
    db: &Db,
    token: SessionId,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let mut tx = db.begin().await?;
    let Some(account) = redeem(&mut tx, token, Purpose::ResetPassword, now).await? else { return Ok(None) };
    confirm_in(&mut tx, account, now).await?;
    let ended = set_password_in(&mut tx, account, hash, None).await?;
    tx.commit().await?;
    Ok(Some(ended))
}

/// Confirms an address by a mailed token. True if the token held.
pub(super) async fn confirm_email(db: &Db, token: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    let Some(account) = redeem(&mut tx, token, Purpose::ConfirmEmail, now).await? else { return Ok(false) };
    confirm_in(&mut tx, account, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn confirm_in(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let text = "update accounts set email_confirmed_at = coalesce(email_confirmed_at, $1) where id = $2";
    sql!(tx.on(), exec, text, to_datetime(now), account.0)?;
    Ok(())
}

pub(super) async fn ban(tx: &mut Tx, id: AccountId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    let text = "update accounts set banned_at = $1, ban_reason = $2 where id = $3 and banned_at is null";
    Ok(sql!(tx.on(), exec, text, to_datetime(now), reason, id.0)? == 1)
}

pub(super) async fn unban(tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
    let text = "update accounts set banned_at = null, ban_reason = null
         where id = $1 and banned_at is not null and erased_at is null";
    Ok(sql!(tx.on(), exec, text, id.0)? == 1)
}

pub(super) async fn freeze(tx: &mut Tx, id: AccountId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    let text = "update accounts set frozen_at = $1, freeze_reason = $2 where id = $3 and frozen_at is null";
    Ok(sql!(tx.on(), exec, text, to_datetime(now), reason, id.0)? == 1)
}

pub(super) async fn unfreeze(tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
    let text = "update accounts set frozen_at = null, freeze_reason = null where id = $1 and frozen_at is not null";
    Ok(sql!(tx.on(), exec, text, id.0)? == 1)
}

/// Deletes what ended before `now`; gives how much.
pub(super) async fn sweep(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    let now = to_datetime(now);
    let sessions = sql!(db.write(), exec, "delete from sessions where expires_at <= $1", now)?;
    let revoked = sql!(db.write(), exec, "delete from revoked_tokens where expires_at <= $1", now)?;
    let mailed = sql!(db.write(), exec, "delete from mailed_tokens where expires_at <= $1", now)?;
    Ok(sessions + revoked + mailed)
}

/// Where the authenticator finds sessions and accounts.
#[derive(Debug, Clone)]
pub struct Directory {
    db: Db,
    chance: Chance,
}

impl Directory {
    pub(super) fn new(db: Db, chance: Chance) -> Self {
        Self { db, chance }
    }

    async fn foreign_account(&self, subject: &str) -> Result<Option<AccountRow>, StoreError> {
        let id = sql!(self.db.read(), opt_scalar Uuid, "select id from accounts where external_subject = $1", subject)?;
        match id {
            Some(id) => account(&self.db, AccountId(id)).await,
            None => Ok(None),
        }
    }

    /// Two tokens of a new subject may come at once: one inserts, both find it.
    async fn insert_foreign(&self, profile: &ForeignProfile, now: Timestamp) -> Result<(), StoreError> {
        let id = self.chance.uuid(now);
        let name = profile.name.as_deref().and_then(|name| super::rules::display_name(name).ok());
        let tail = id.simple().to_string().split_off(24);
        sql!(
            self.db.write(),
            exec,
            "insert into accounts (id, external_subject, external_email, display_name, created_at)
             values ($1, $2, $3, $4, $5) on conflict (external_subject) do nothing",
            id,
            &profile.subject,
            profile.email.as_deref().and_then(|email| super::rules::email(email).ok()).map(|email| email.to_string()),
            name.unwrap_or_else(|| format!("user-{tail}")),
            to_datetime(now)
        )?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl crate::auth::Directory for Directory {
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<(Identity, Timestamp)>, StoreError> {
        let text = "select account_id, expires_at from sessions where id = $1 and expires_at > $2";
        let found = sql!(self.db.read(), opt(Uuid, DateTime<Utc>), text, &id.0[..], to_datetime(now))?;
        let Some((account_id, expires_at)) = found else { return Ok(None) };
        let account = account(&self.db, AccountId(account_id)).await?;
        Ok(account.map(|account| (account.identity(now), from_datetime(expires_at))))
    }

    async fn foreign(
        &self,
        id: SessionId,
        profile: &ForeignProfile,
        now: Timestamp,
    ) -> Result<Option<Identity>, StoreError> {
        let revoked = sql!(self.db.read(), opt_scalar i64, "select cast(1 as bigint) from revoked_tokens where id = $1", &id.0[..])?;
        if revoked.is_some() {
            return Ok(None);
        }
        let account = match self.foreign_account(&profile.subject).await? {
            Some(account) => Some(account),
            None => {
                self.insert_foreign(profile, now).await?;
                self.foreign_account(&profile.subject).await?
            }
        };
        Ok(account.map(|account| account.identity(now)))
    }
}
