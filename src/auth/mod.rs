//! Who is calling, and what they may do.
//!
//! A token, from a cookie, a header or a socket's message, becomes a [`Caller`] through the [`Authenticator`]; what a caller
//! may do stands in one table, [`table`]. Nothing here holds SQL: where sessions and accounts live is behind
//! [`Directory`], and nothing here knows HTTP or sockets.

mod caller;
mod foreign;
mod origin;
mod session;
pub mod table;

use std::sync::Arc;

pub use caller::{Caller, Identity, Role, Roles, Via};
pub use foreign::{ForeignKey, ForeignProfile};
pub use origin::Origins;
pub use session::{NewToken, SessionToken, TOKEN_PREFIX, token_id};
pub use table::{Action, Denied, authorize};

use crate::clock::Clock;
use crate::coordination::SessionId;
use crate::domain::Timestamp;
use crate::persistence::StoreError;

/// Longest token that is looked at, in bytes.
pub const TOKEN_MAX_BYTES: usize = 4_096;

/// Where sessions and accounts are found.
#[async_trait::async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The account of the session with this id and when the session ends, if it is still alive at `now`.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<(Identity, Timestamp)>, StoreError>;

    /// The account of a foreign subject, made at first sight; `None` if the token `id` has been revoked.
    async fn foreign(
        &self,
        id: SessionId,
        profile: &ForeignProfile,
        now: Timestamp,
    ) -> Result<Option<Identity>, StoreError>;
}

/// Why a token gives no caller.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The token is no token of ours, has ended, or was revoked. Callers learn no more than this.
    #[error("the token is not valid")]
    Invalid,
    /// Whether the token is valid cannot be said now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Turns tokens into callers.
#[derive(Clone)]
pub struct Authenticator {
    directory: Arc<dyn Directory>,
    foreign_key: Option<Arc<ForeignKey>>,
    selling_role: Option<Role>,
    clock: Clock,
}

impl Authenticator {
    /// An authenticator over `directory`. Foreign tokens are taken only with a key, and selling is open to all accounts
    /// unless a role is asked for.
    pub fn new(
        directory: Arc<dyn Directory>,
        foreign_key: Option<ForeignKey>,
        selling_role: Option<Role>,
        clock: Clock,
    ) -> Self {
        Self { directory, foreign_key: foreign_key.map(Arc::new), selling_role, clock }
    }

    /// The caller whose token this is: a session's, or a foreign one signed with the operator's key.
    pub async fn authenticate(&self, token: &str, via: Via) -> Result<Caller, AuthError> {
        if token.is_empty() || token.len() > TOKEN_MAX_BYTES {
            return Err(AuthError::Invalid);
        }
        let now = self.clock.now();
        let session = token_id(token);
        let (identity, expires_at) = if token.starts_with(TOKEN_PREFIX) {
            self.directory.session(session, now).await?.ok_or(AuthError::Invalid)?
        } else {
            let key = self.foreign_key.as_ref().ok_or(AuthError::Invalid)?;
            let (profile, expires_at) = key.open(token, now).ok_or(AuthError::Invalid)?;
            let mut identity = self.directory.foreign(session, &profile, now).await?.ok_or(AuthError::Invalid)?;
            identity.roles.extend(&profile.roles);
            (identity, expires_at)
        };
        let may_sell = self.selling_role.as_ref().is_none_or(|role| identity.roles.has(role));
        Ok(Caller { identity, session, expires_at, via, may_sell })
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("selling_role", &self.selling_role).finish_non_exhaustive()
    }
}
