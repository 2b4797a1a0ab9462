//! Accounts: signing up, signing in and out, passwords, addresses, bans.
//!
//! An answer never tells whether an e-mail address has an account, except to who tries to register it. Tokens and passwords
//! are kept only as hashes.

mod mails;
mod passwords;
mod personal;
pub mod routes;
pub mod rules;
pub mod store;
mod user_add;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::auth::{Caller, Identity, NewToken};
use crate::chance::Chance;
use crate::clock::{Clock, from_datetime};
use crate::config::PasswordCost;
use crate::coordination::{Bus, Notice, SessionId};
use crate::domain::{AccountId, Span, Timestamp};
use crate::lifecycle::Tasks;
use crate::mail::Mailer;
use crate::persistence::{Db, StoreError, Tx};
use crate::rate_limit::RateLimits;

use passwords::Passwords;
pub use personal::AccountsPart;
pub use store::{AccountRow, Directory, probe};
pub use user_add::{Added, user_add};

/// How often what has ended is swept out of the database, in seconds.
pub const SWEEP_INTERVAL_S: u64 = 600;
const RESET_TTL: Span = Span::from_secs(3_600);
const CONFIRM_TTL: Span = Span::from_secs(7 * 86_400);
const RESET_QUEUE_CAPACITY: usize = 256;

/// What accounts need.
pub struct Parts {
    /// Where they are kept.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// For tokens, salts and ids.
    pub chance: Chance,
    /// Tells all nodes of sessions that end.
    pub bus: Arc<dyn Bus>,
    /// Sends mail.
    pub mailer: Mailer,
    /// How often anyone may try.
    pub limits: Arc<RateLimits>,
    /// The address of the hub, for links in mail.
    pub public_url: String,
    /// Life of a session in seconds.
    pub session_ttl_s: u32,
    /// The work of a password's hash.
    pub password_cost: PasswordCost,
}

/// The accounts of the hub.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    parts: Parts,
    passwords: Passwords,
    resets: mpsc::Sender<String>,
}

/// A session just begun.
pub struct Session {
    /// Whose it is.
    pub account: AccountRow,
    /// The token, shown once.
    pub token: NewToken,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why something about an account was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A value does not fit: its code, its field, and why.
    #[error("{2}")]
    Invalid(&'static str, &'static str, &'static str),
    /// The e-mail address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// The password, or the e-mail address with it, is not right.
    #[error("the e-mail address and password do not belong together")]
    InvalidCredentials,
    /// A mailed token is used up, out of date, or none of ours.
    #[error("the token is not valid, or no longer")]
    InvalidToken,
    /// Too many passwords are being checked at this moment.
    #[error("too many are signing in at this moment")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// The accounts over these parts. Starts the task that answers requests for a new password, so that how long an
    /// answer takes does not tell whether the address has an account.
    pub fn new(parts: Parts, tasks: &Tasks) -> anyhow::Result<Self> {
        let passwords = Passwords::new(parts.password_cost, &parts.chance)?;
        let (resets, mut asked) = mpsc::channel::<String>(RESET_QUEUE_CAPACITY);
        let accounts = Self(Arc::new(Inner { parts, passwords, resets }));
        let (worker, shutdown) = (accounts.clone(), tasks.shutdown().clone());
        tasks.spawn(async move {
            loop {
                let email = tokio::select! {
                    () = shutdown.cancelled() => return,
                    email = asked.recv() => email,
                };
                let Some(email) = email else { return };
                if let Err(error) = worker.mail_reset(&email).await {
                    tracing::error!(%error, "a mail for a new password could not be prepared: {error}");
                }
            }
        });
        Ok(accounts)
    }

    /// Life of a session in seconds.
    pub fn session_ttl_s(&self) -> u32 {
        self.0.parts.session_ttl_s
    }

    /// Where the authenticator finds sessions and accounts.
    pub fn directory(&self) -> Directory {
        Directory::new(self.0.parts.db.clone(), self.0.parts.chance.clone())
    }

    /// Makes an account and signs it in.
    pub async fn register(&self, email: &str, password: &str, display_name: &str) -> Result<Session, Refused> {
        let email = rules::email(email)?;
        let display_name = rules::display_name(display_name)?;
        rules::password("password", password)?;
        let hash = self.0.passwords.hash(password, &self.0.parts.chance).await?;
        let now = self.now();
        let id = AccountId(self.0.parts.chance.uuid(now));
        let new = store::NewAccount { id, email: email.to_string(), display_name, password_hash: hash };
        match store::insert_account(self.db(), &new, now).await {
            Err(error) if error.is_duplicate() => return Err(Refused::EmailTaken),
            result => result?,
        }
        self.mail_confirm(id, email).await?;
        let account = store::account(self.db(), id).await?.ok_or(Refused::InvalidCredentials)?;
        self.begin_session(account).await
    }

    /// Signs in. Takes as long for an address without an account as for one with.
    pub async fn login(&self, email: &str, password: &str) -> Result<Session, Refused> {
        let known = match rules::email(email) {
            Ok(email) => store::credentials(self.db(), email.as_ref()).await?,
            Err(_) => None,
        };
        let (id, hash) = known.map_or((None, None), |(id, hash)| (Some(id), hash));
        let right = self.0.passwords.verify(password, hash).await?;
        let account = match id {
            Some(id) if right => store::account(self.db(), id).await?,
            _ => None,
        };
        self.begin_session(account.ok_or(Refused::InvalidCredentials)?).await
    }

    /// Ends the caller's session, or remembers that their foreign token holds no longer.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Refused> {
        if !store::delete_session(self.db(), caller.session).await? {
            let until = caller.expires_at.plus(Span::from_secs(60));
            store::revoke_token(self.db(), caller.session, until).await?;
        }
        self.tell_ended([caller.session]).await;
        Ok(())
    }

    /// The account as its holder sees it.
    pub async fn account(&self, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        store::account(self.db(), id).await
    }

    /// The account as far as deciding what it may do now needs it.
    pub async fn identity(&self, id: AccountId) -> Result<Option<Identity>, StoreError> {
        Ok(self.account(id).await?.map(|row| row.identity(self.now())))
    }

    /// Sets a new password, given the current one. All other sessions end.
    pub async fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<(), Refused> {
        rules::password("new", new)?;
        let hash = store::password_hash(self.db(), caller.account()).await?;
        if !self.0.passwords.verify(current, hash).await? {
            return Err(Refused::InvalidCredentials);
        }
        let hash = self.0.passwords.hash(new, &self.0.parts.chance).await?;
        let ended = store::set_password(self.db(), caller.account(), &hash, Some(caller.session)).await?;
        self.tell_ended(ended).await;
        Ok(())
    }

    /// Whether the password is the one of the account; of one that has none, whether none is given.
    pub async fn is_password(&self, id: AccountId, password: Option<&str>) -> Result<bool, Refused> {
        let hash = store::password_hash(self.db(), id).await?;
        match (password, hash) {
            (None, hash) => Ok(hash.is_none()),
            (Some(password), hash) => self.0.passwords.verify(password, hash).await,
        }
    }

    /// Has a mail sent to `email`, if it has an account, by which a new password can be set.
    pub fn ask_reset(&self, email: &str) {
        if self.0.resets.try_send(email.to_owned()).is_err() {
            tracing::warn!("a request for a new password was dropped: too many wait");
        }
    }

    /// Sets a new password, given a mailed token. All sessions end.
    pub async fn confirm_reset(&self, token: &str, new: &str) -> Result<(), Refused> {
        rules::password("password", new)?;
        let hash = self.0.passwords.hash(new, &self.0.parts.chance).await?;
        let id = crate::auth::token_id(token);
        let ended = store::reset_password(self.db(), id, &hash, self.now()).await?.ok_or(Refused::InvalidToken)?;
        self.tell_ended(ended).await;
        Ok(())
    }

    /// Confirms an address, given a mailed token.
    pub async fn confirm_email(&self, token: &str) -> Result<(), Refused> {
        let id = crate::auth::token_id(token);
        store::confirm_email(self.db(), id, self.now()).await?.then_some(()).ok_or(Refused::InvalidToken)
    }

    /// Sends the mail that confirms the address of an account once more, if it is not confirmed yet.
    pub async fn resend_confirm(&self, id: AccountId) -> Result<(), Refused> {
        let account = store::account(self.db(), id).await?;
        let open = account.filter(|account| account.email_confirmed_at.is_none()).and_then(|account| account.email);
        match open.and_then(|email| email.parse().ok()) {
            Some(email) => self.mail_confirm(id, email).await,
            None => Ok(()),
        }
    }

    /// Bans an account, with the reason that staff gives; its sockets are to be ended after the commit. True if it was not
    /// banned before.
    pub async fn ban(&self, tx: &mut Tx, id: AccountId, reason: &str) -> Result<bool, StoreError> {
        store::ban(tx, id, reason, self.now()).await
    }

    /// Lifts a ban; the account's sockets still carry it, and are to be ended after the commit. True if there was one.
    pub async fn unban(&self, tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
        store::unban(tx, id).await
    }

    /// Freezes an account, with the reason that staff gives; its sockets are to be ended after the commit, so that they come
    /// back with the fact. True if it was not frozen before.
    pub async fn freeze(&self, tx: &mut Tx, id: AccountId, reason: &str) -> Result<bool, StoreError> {
        store::freeze(tx, id, reason, self.now()).await
    }

    /// Lets a frozen account go again; its sockets are to be ended after the commit. True if it was frozen.
    pub async fn unfreeze(&self, tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
        store::unfreeze(tx, id).await
    }

    /// Ends the sockets of an account, so that they come back with what is known of it now.
    pub async fn end_sockets(&self, id: AccountId) {
        self.tell(Notice::AccountEnded(id)).await;
    }

    /// Deletes sessions and tokens that have ended.
    pub async fn sweep(&self) {
        match store::sweep(self.db(), self.now()).await {
            Ok(swept) => tracing::debug!(swept, "{swept} ended sessions and tokens were swept out"),
            Err(error) => tracing::warn!(%error, "ended sessions and tokens could not be swept out: {error}"),
        }
    }

    async fn begin_session(&self, account: AccountRow) -> Result<Session, Refused> {
        let now = self.now();
        let token = NewToken::draw(&self.0.parts.chance);
        let expires_at = now.plus(Span::from_secs(self.0.parts.session_ttl_s));
        store::insert_session(self.db(), token.id, AccountId(account.id), now, expires_at).await?;
        Ok(Session { account, token, expires_at })
    }

    async fn mail_confirm(&self, id: AccountId, email: lettre::Address) -> Result<(), Refused> {
        let token = NewToken::draw(&self.0.parts.chance);
        let until = self.now().plus(CONFIRM_TTL);
        store::insert_mailed_token(self.db(), token.id, id, store::Purpose::ConfirmEmail, until).await?;
        self.0.parts.mailer.send(mails::confirm(email, &self.0.parts.public_url, &token.token));
        Ok(())
    }

    async fn mail_reset(&self, email: &str) -> Result<(), Refused> {
        let Ok(email) = rules::email(email) else { return Ok(()) };
        let Some((id, _)) = store::credentials(self.db(), email.as_ref()).await? else { return Ok(()) };
        let token = NewToken::draw(&self.0.parts.chance);
        let until = self.now().plus(RESET_TTL);
        store::insert_mailed_token(self.db(), token.id, id, store::Purpose::ResetPassword, until).await?;
        self.0.parts.mailer.send(mails::reset(email, &self.0.parts.public_url, &token.token));
        Ok(())
    }

    async fn tell_ended(&self, sessions: impl IntoIterator<Item = SessionId>) {
        for session in sessions {
            self.tell(Notice::SessionEnded(session)).await;
        }
    }

    async fn tell(&self, notice: Notice) {
        if let Err(error) = self.0.parts.bus.publish(notice).await {
            tracing::error!(%error, "open sockets were not told that they end: {error}");
        }
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

impl AccountRow {
    /// The account as far as deciding what it may do at that time needs it.
    pub fn identity(&self, now: Timestamp) -> Identity {
        let leaving = self.leaving_until.is_some_and(|until| from_datetime(until) > now);
        Identity {
            account: AccountId(self.id),
            display_name: self.display_name.as_str().into(),
            roles: self.roles.clone(),
            banned: self.banned_at.is_some() || leaving,
            frozen: self.frozen_at.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
